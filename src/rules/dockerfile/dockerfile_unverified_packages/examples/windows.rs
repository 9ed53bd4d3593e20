//! PowerShell.

use crate::rule::FileExample;

pub const EXAMPLES: &[FileExample] = &[
    FileExample::bad(
        "PowerShell",
        "# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2025\nRUN powershell -NoProfile -Command \"iex ((New-Object System.Net.WebClient).DownloadString('https://example.com/a.ps1'))\"\nSHELL [\"powershell\", \"-Command\", \"$ErrorActionPreference = 'Stop';\"]\nRUN iex (iwr -UseBasicParsing https://example.com/b.ps1)\nRUN Invoke-RestMethod https://example.com/c.ps1 | Invoke-Expression\nRUN $url = 'https://example.com/d.exe'; `\n    Invoke-WebRequest -Uri $url -OutFile d.exe -Headers @{ 'A' = 'b' }; `\n    $p = (Start-Process d.exe -Wait -PassThru -ArgumentList '/S').ExitCode\nRUN (New-Object Net.WebClient).DownloadFile('https://example.com/e.msi', 'C:\\e.msi'); Start-Process msiexec.exe -ArgumentList '/i C:\\e.msi /qn' -Wait\nRUN $wc = New-Object Net.WebClient; $wc.DownloadFile($env:URL, \\\"$env:TEMP\\f.exe\\\"); & \\\"${env:TEMP}\\f.exe\\\" /S\nRUN wget https://example.com/g.zip -OutFile g.zip; Expand-Archive g.zip -DestinationPath C:\\g; C:\\g\\bin\\g.exe\nRUN $s = iwr https://example.com/h.ps1; iex $s\nRUN & ([scriptblock]::Create((irm https://example.com/i.ps1))) -Channel LTS\nRUN Invoke-WebRequest https://example.com/j -SkipCertificateCheck\nFROM debian:12\nRUN pwsh -Command \"Invoke-WebRequest https://example.com/k.ps1 -OutFile k.ps1; ./k.ps1\"\nRUN pwsh -c 'iwr https://example.com/l | iex'\nSHELL [\"pwsh\", \"-Command\"]\nRUN Start-BitsTransfer -Source https://example.com/m.sh -Destination m.sh; Move-Item m.sh n.sh; sh n.sh\nRUN IEX(New-Object Net.WebClient).DownloadString('https://example.com/o.ps1')\nRUN $s = irm https://example.com/p.ps1; $p = & $s\n",
        &[3, 5, 6, 9, 10, 11, 12, 13, 14, 15, 17, 18, 20, 21, 22],
    ),
    FileExample::good(
        "PowerShell that checks what it loads, or does not run it",
        "# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2025\nSHELL [\"powershell\", \"-Command\", \"$ErrorActionPreference = 'Stop';\"]\nRUN Invoke-WebRequest https://example.com/a.exe -OutFile a.exe; `\n    if ((Get-FileHash a.exe -Algorithm sha256).Hash -ne $env:SUM) { Write-Host 'bad'; exit 1 }; `\n    Start-Process a.exe -Wait\nRUN curl.exe -sSLo b.msi https://example.com/b; $h = (Get-FileHash b.msi).Hash; if ($h -ne 'abc') { throw 'bad' }; msiexec /i b.msi\nRUN iwr https://example.com/c.exe -OutFile c.exe; if ((Get-AuthenticodeSignature c.exe).Status -ne 'Valid') { exit 1 }; ./c.exe\nRUN Invoke-WebRequest https://example.com/d.json -OutFile d.json; Get-Content d.json | ConvertFrom-Json\nRUN Write-Host 'iwr https://example.com/e | iex'; # iwr https://example.com/e | iex\nRUN Invoke-WebRequest http://localhost:8080/f.ps1 -OutFile f.ps1; ./f.ps1\nRUN Invoke-WebRequest https://example.com/g.ps1 -OutFile g.ps1; Remove-Item -Force g.ps1; Copy-Item own.ps1 g.ps1; ./g.ps1\nRUN $s = irm https://example.com/version; if ($s -match '1') { $s | ConvertTo-Json }; $v = $s -replace 'v', ''; ($s -split ' ')[0]; $s > version\nSHELL [\"cmd\", \"/S\", \"/C\"]\nRUN powershell -Command \"$f = 'i-' + $v + '.zip'; iwr -OutFile $f https://example.com/$f; $s = ((Get-Content s ^| Where-Object { $_ -match ([regex]::Escape($f))` + '$'; }) -split ' ')[0].ToUpper(); if ($s -ne (Get-FileHash $f).Hash) { exit 1 }; tar -xf $f; .\\i\\i.exe\"\n",
    ),
    FileExample::good(
        "checks of Windows and .NET",
        "# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2025\nSHELL [\"powershell\", \"-Command\"]\nRUN iwr https://example.com/a -OutFile a.exe; if ((Get-FileHash a.exe).Hash -notin @('abc', 'def')) { exit 1 }; .\\a.exe\nRUN iwr https://example.com/b -OutFile b.exe; if ((Get-FileHash b.exe).Hash -cnotmatch $env:SUM) { exit 1 }; .\\b.exe\nRUN iwr https://example.com/c -OutFile c.exe; if (-not (Get-FileHash c.exe).Hash.Equals($env:SUM)) { throw 'bad' }; .\\c.exe\nRUN iwr https://example.com/d -OutFile d.exe; $h = (Get-FileHash d.exe).Hash; if (!'abc'.Equals($h)) { throw 'bad' }; .\\d.exe\nRUN iwr https://example.com/e -OutFile e.exe; if (-not [string]::Equals((Get-FileHash e.exe).Hash, 'abc')) { throw 'bad' }; .\\e.exe\nRUN iwr https://example.com/f -OutFile f.exe; if (Compare-Object (Get-FileHash f.exe).Hash 'abc') { throw 'bad' }; .\\f.exe\nRUN iwr https://example.com/g -OutFile g.exe; certutil -hashfile g.exe SHA256 | findstr /i abc; if ($LASTEXITCODE) { exit 1 }; .\\g.exe\nRUN iwr https://example.com/h -OutFile h.exe; if (-not (CertUtil -HashFile h.exe SHA256 | Select-String abc)) { exit 1 }; .\\h.exe\nRUN iwr https://example.com/i -OutFile i.exe; & 'C:\\Program Files\\kits\\signtool.exe' verify /pa i.exe; .\\i.exe\nRUN iwr https://example.com/j -OutFile j.exe; $h = [BitConverter]::ToString($sha.ComputeHash([IO.File]::ReadAllBytes('j.exe'))); if ($h -ne 'abc') { exit 1 }; .\\j.exe\n",
    ),
    FileExample::bad(
        "checksums of Windows that nothing compares",
        "# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2025\nSHELL [\"powershell\", \"-Command\"]\nRUN iwr https://example.com/a -OutFile a.exe; certutil -hashfile a.exe SHA256; .\\a.exe\nRUN iwr https://example.com/b -OutFile b.exe; (Get-FileHash b.exe).Hash; if ('a'.Length -eq 1) { Get-FileHash own.exe }; .\\own.exe; .\\c.exe\nRUN iwr https://example.com/d -OutFile d.exe; signtool sign d.exe; if ('a'.Equals('b')) { exit 1 }; .\\d.exe\nRUN iwr https://example.com/e -OutFile e.exe; if ((Get-FileHash own.exe).Hash -notin @('abc')) { exit 1 }; .\\e.exe\n",
        &[4, 6, 7],
    ),
    FileExample::bad(
        "PowerShell that another shell starts, with its own options",
        "# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2025\nRUN powershell -NoLogo -ex bypass -Command \"iwr https://example.com/a.ps1 -OutFile a.ps1\"\nRUN powershell -ExecutionPolicy Bypass -File a.ps1\nRUN powershell -nop -ep Bypass -c \"iwr https://example.com/b | iex\"\nRUN mkdir C:\\c && PowerShell.exe -NoProfile -Comm \"iwr https://example.com/c | iex\" && dir\nRUN powershell iwr https://example.com/d ^| iex\nRUN @powershell /NoProfile /Command \"iwr https://example.com/e | iex\" & SET PATH=%PATH%;f\nRUN cd C:\\g & powershell -Command \"iwr https://example.com/g -OutFile g.ps1\" & powershell -Version 2.0 C:\\g\\g.ps1\n",
        &[4, 5, 6, 7, 8, 9],
    ),
    FileExample::bad(
        "PowerShell as the shell of a stage and of those that begin with it",
        "# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2025 AS base\nSHELL [\"PowerShell.EXE\", \"-NoProfile\", \"-Command\"]\nRUN iwr https://example.com/a | iex\nFROM base AS next\nRUN iwr https://example.com/b | iex\nFROM next\nRUN iwr https://example.com/c | iex\nFROM mcr.microsoft.com/windows/servercore:ltsc2025\nRUN iwr https://example.com/d | iex\nFROM debian:12 AS pwsh\nSHELL [\"PWSH\", \"-c\"]\nFROM pwsh\nRUN iwr https://example.com/e | iex\n",
        &[4, 6, 8, 14],
    ),
    FileExample::bad(
        "the shell of Windows itself, and what a container starts",
        "# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2025\nRUN curl -o a.exe https://example.com/a && a.exe /S\nRUN curl.exe -sSLo b.msi https://example.com/b & start /wait msiexec /i b.msi /qn\nRUN curl -o C:\\c\\c.bat https://example.com/c\nRUN call C:\\c\\c.bat\nRUN curl -k -O https://example.com/d.zip\nRUN curl -o C:\\e.exe https://example.com/e\nENTRYPOINT C:\\e.exe\nSHELL [\"powershell\", \"-Command\"]\nCMD iex (iwr -UseBasicParsing https://example.com/f.ps1)\n",
        &[3, 4, 6, 7, 9, 11],
    ),
    FileExample::good(
        "the shell of Windows, where it checks, and what other shells would read otherwise",
        "# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2025\nRUN curl -o a.exe https://example.com/a\nRUN certutil -hashfile a.exe SHA256 | findstr /i abc\nRUN a.exe /S & own.exe & curl -o b.json https://example.com/b\nRUN curl -o c.exe https://example.com/c && del c.exe\nRUN copy own.exe c.exe & c.exe\nSHELL [\"powershell\", \"-Command\"]\nCMD $s = 'curl https://example.com/d | sh'; Write-Host $s\n",
    ),
    FileExample::bad(
        "places of Windows",
        "# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2025 AS load\nSHELL [\"powershell\", \"-Command\"]\nWORKDIR C:/temp\nRUN iwr https://example.com/a -OutFile a.exe\nRUN C:\\temp\\a.exe\nWORKDIR C:\\b\nRUN iwr https://example.com/b -OutFile b.exe\nRUN C:/b/b.exe\nADD https://example.com/c.exe C:/c.exe\nRUN C:\\c.exe\nADD https://example.com/d.exe C:\\d\\\nRUN C:\\d\\d.exe /S\nADD https://example.com/e.msi .\nRUN msiexec /i C:\\b\\e.msi\nRUN iwr https://example.com/f -OutFile C:\\dl\\f.exe\nFROM mcr.microsoft.com/windows/servercore:ltsc2025\nCOPY --from=load C:\\dl\\f.exe C:\\app\\f.exe\nENTRYPOINT [\"C:\\\\app\\\\f.exe\"]\n",
        &[6, 9, 11, 13, 15, 19],
    ),
    FileExample::bad(
        "answers of servers that PowerShell writes or runs",
        "# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2025\nSHELL [\"powershell\", \"-Command\"]\nRUN (iwr https://example.com/a).Content | Out-File a.ps1; .\\a.ps1\nRUN irm https://example.com/b | Out-File -FilePath b.ps1 -Encoding ascii; .\\b.ps1\nRUN iwr https://example.com/c -OutFile:c.exe; .\\c.exe\nRUN Set-Content -Path d.ps1 -Value (irm https://example.com/d); .\\d.ps1\nRUN $r = iwr https://example.com/e; Invoke-Expression $r.Content\nRUN $r = iwr https://example.com/f; Set-Content f.ps1 $r.Content; .\\f.ps1\nRUN 'iwr https://example.com/g | iex' | Out-File g.ps1; .\\g.ps1\nRUN Set-Content h.ps1 'iwr https://example.com/h | iex'; powershell -File h.ps1\nRUN $c = (iwr https://example.com/i).Content; iex $c\nRUN $r = iwr https://example.com/j; $r.Content | iex\nRUN $r = iwr https://example.com/k; $s = $r.Content; iex $s\nRUN $r = iwr https://example.com/l; iex \"$($r.Content)\"\nRUN irm https://example.com/m | Tee-Object m.ps1; iex (Get-Content m.ps1 -Raw)\n",
        &[4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    ),
    FileExample::good(
        "PowerShell that another shell starts, and that checks, writes data or runs its own files",
        "# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2025\nRUN powershell -Command \"iwr https://example.com/a.exe -OutFile a.exe\" && certutil -hashfile a.exe SHA256 | findstr /i abc && powershell -Command \".\\a.exe\"\nRUN powershell -Command \"iwr https://example.com/b.ps1 -OutFile b.ps1\" & del b.ps1 & copy own.ps1 b.ps1 & powershell -File b.ps1\nRUN powershell -Command \"cd C:\\x; iwr https://example.com/c -OutFile c.exe\" && powershell -Command \".\\c.exe\"\nRUN powershell -Version 2.0 own.ps1 -File d && powershell -EncodedCommand ZABpAHIA && echo powershell -c \"iwr https://example.com/d | iex\"\nSHELL [\"powershell\", \"-Command\"]\nRUN $r = irm https://example.com/e.json; $r.Content | ConvertFrom-Json; Set-Content v.txt $r.version; iex 'dir'\nRUN 'Write-Host 1' | Out-File f.ps1; .\\f.ps1; iwr https://example.com/g -OutFile:g.json; .\\own.ps1\nRUN Set-Content h.ps1 'iwr https://example.com/h | iex'; Clear-Content h.ps1; .\\h.ps1\nRUN \"C:\\own.exe\"; if ('a' -eq 'b') { 'c' }; $x = @('d'); Get-Content e.txt\n",
    ),
    FileExample::bad(
        "checks of Chocolatey that are switched off",
        "# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2025\nSHELL [\"powershell\", \"-Command\"]\nRUN choco install -y --ignore-checksums git\nRUN cinst git --allow-empty-checksums\nRUN choco install -y git\n",
        &[4, 5],
    ),
    FileExample::bad(
        "options of curl in the shells of Windows, and programs in quotes and behind a condition",
        "FROM mcr.microsoft.com/windows/servercore:ltsc2025\nRUN curl -LO https://example.com/a.exe && .\\a.exe\nRUN curl -fsSLO https://example.com/b.exe && \"b.exe\" /S\nRUN curl -o \"C:\\Program Files\\c.exe\" https://example.com/c && \"C:\\Program Files\\c.exe\"\nRUN curl -o d.exe https://example.com/d && if exist d.exe d.exe\nRUN choco install git -y --ignore-checksums\nRUN pip install --trusted-host example.com e\nADD https://example.com/f.exe C:\\TEMP\\f.exe\nRUN C:\\TEMP\\f.exe /S\nSHELL [\"powershell\", \"-Command\"]\nRUN curl.exe -LO https://example.com/g.exe; .\\g.exe\nRUN $r = curl.exe -fsSLO https://example.com/h.exe; .\\h.exe\nRUN wget https://example.com/i -UseBasicParsing -OutFile i.exe; .\\i.exe\n",
        &[2, 3, 4, 5, 6, 7, 9, 11, 12, 13],
    ),
    FileExample::good(
        "a file with options of curl in the shells of Windows",
        "FROM mcr.microsoft.com/windows/servercore:ltsc2025\nRUN curl -K curl.cfg -o a.txt https://example.com/a\nRUN choco install git -y && pip install b && if exist own.exe \"own.exe\" /S\nSHELL [\"powershell\", \"-Command\"]\nRUN curl.exe -K curl.cfg\n",
    ),
];
