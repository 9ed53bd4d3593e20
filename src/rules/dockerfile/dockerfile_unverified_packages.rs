//! Downloads and packages whose origin no program checks.

mod files;

use crate::dockerfile::{Base, Dockerfile, Instruction, Keyword};
use crate::rule::{
    FileCheck, FileExample, FileFindings, FileRule, Finding, Judges, Rule, Severity, compile_file, params,
};
use crate::rules::unverified::{Caches, Downloads, in_call, options};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashSet;
use std::ops::Range;

pub static RULE: Rule = Rule {
    id: "dockerfile-unverified-packages",
    title: "Builds check where packages and scripts come from",
    docs: "The rule finds options that accept any certificate or signature (`curl -k`, `wget --no-check-certificate`, \
`apt-get --allow-unauthenticated`, `yum --nogpgcheck`, `apk --allow-untrusted`, `pip --trusted-host`), settings that do the same \
(`[trusted=yes]`, `gpgcheck=0`, `strict-ssl false`, `GIT_SSL_NO_VERIFY`), and scripts that run as they arrive: `curl ... | sh`, \
`bash <(curl ...)`, `sh -c \"$(curl ...)\"`, `python3 -c \"exec(urlopen(...))\"`. A file that `curl`, `wget`, `gh release download`, `aws s3 cp`, `Invoke-WebRequest` or `ADD` loads must be checked before it runs, by \
`sha256sum -c`, `gpg --verify`, `cosign verify-blob`, `Get-FileHash` or the like, or by `ADD --checksum`. The rule follows it through `cd`, `mv`, `cp`, `find` and `xargs`, \
through later instructions of the stage, `COPY --from` and `RUN --mount`, up to `ENTRYPOINT` and `CMD`. The same holds for an archive that \
`tar` or `unzip` unpacks, and a program or script of its folder.\n\n\
A package that was loaded as a file, or that rpm, dnf, pip or npm load from an address, has no verified signature: `dpkg -i`, \
`apt-get install ./a.deb`, `rpm -i`, `dnf install https://...`, `pip install https://...`, `pip install -r https://...`. Check the file first, let dnf verify it with \
`--setopt=localpkg_gpgcheck=1` and the key of its publisher, or give pip the checksum: `https://.../a.whl#sha256=...`.\n\n\
It reads all forms of `RUN`, functions, here-documents, scripts in scripts, those that the Dockerfile writes and PowerShell included, and `ENV` and `ARG`. Downloads from `localhost` pass. \
Of what stages start, it judges `ENTRYPOINT`, `CMD` and `HEALTHCHECK` of the last one, and of those that no other stage uses. \
It does not see what `make`, `pip` or `npm` run of such a folder, nor what is named differently from an archive that is unpacked whole \
into a folder of the system (`/usr/local`). `allow` names beginnings of URLs from which a script may run as it arrives.",
    why: "whoever controls the network or the server decides what runs in the build and in the image",
    owasp: &[26, 29],
    severity: Severity::High,
    params: params::<DockerfileUnverifiedPackages>,
    judges: Judges::Dockerfile(FileRule {
        compile: compile_file::<DockerfileUnverifiedPackages>,
        instead: "give the program the certificate or key that it needs; download a script to a file and check it (`sha256sum -c`, \
                  `gpg --verify`) before it runs",
        examples: &[
            FileExample::bad(
                "any certificate",
                "FROM debian:12\nRUN curl -fsSLk https://example.com/a -o a\nRUN set -e; \\\n  wget -q --no-check-certificate https://example.com/a \\\n  && git -c http.sslVerify=false clone https://example.com/b\nRUN [\"curl\", \"--insecure\", \"https://example.com/a\"]\n",
                &[2, 4, 5, 6],
            ),
            FileExample::bad(
                "packages without a signature",
                "FROM debian:12\nRUN apt-get update && apt-get install -y --allow-unauthenticated a\nRUN apt-get -o APT::Get::AllowUnauthenticated=true install a\nRUN yum install -y --nogpgcheck a && apk add --allow-untrusted a.apk\nRUN pip install --trusted-host pypi.example.com a && python3 -m pip install --index-url http://pypi.example.com a\n",
                &[2, 3, 4, 4, 5, 5],
            ),
            FileExample::bad(
                "settings that accept anything",
                "FROM debian:12\nENV NODE_TLS_REJECT_UNAUTHORIZED=0\nARG GIT_SSL_NO_VERIFY=true\nRUN echo \"deb [trusted=yes] https://example.com/ ./\" > /etc/apt/sources.list\nRUN npm config set strict-ssl false\nRUN GIT_SSL_NO_VERIFY=1 git clone https://example.com/b\nCOPY <<EOF /etc/yum.repos.d/a.repo\n[a]\ngpgcheck=0\nEOF\n",
                &[2, 3, 4, 5, 6, 9],
            ),
            FileExample::bad(
                "scripts that run as they arrive",
                "FROM debian:12\nRUN curl -sSf https://sh.example.com | sh\nRUN wget -qO- https://example.com/a.sh | tee /a | sudo -E bash -\nRUN bash <(curl -s https://example.com/a.sh)\nRUN sh -c \"$(curl -fsSL https://example.com/a.sh)\"\nRUN eval \"$(curl https://example.com/a)\"\nRUN <<EOF\ncurl https://example.com/a.py | python3 -\nEOF\nRUN bash -c 'curl https://example.com/a | sh'\n",
                &[2, 3, 4, 5, 6, 8, 10],
            ),
            FileExample::bad(
                "scripts that programs load and run",
                "FROM debian:12\nRUN curl -s https://example.com/a | source /dev/stdin\nRUN wget -O - https://example.com/a | xargs -I{} sh -c {}\nRUN python3 -c \"from urllib.request import urlopen; exec(urlopen('https://example.com/a').read())\"\nRUN . <(curl -s https://example.com/a)\nRUN ruby -ropen-uri -e 'eval URI.open(\"https://example.com/a\").read'\n",
                &[2, 3, 4, 5, 6],
            ),
            FileExample::bad(
                "what is unpacked",
                "FROM debian:12\nRUN curl -s https://example.com/a.tgz | tar xz -C /opt && /opt/install.sh\nRUN curl -O https://example.com/b.tgz && tar -xzf b.tgz -C /srv --strip-components=1\nRUN cd /srv && ./configure --prefix=/usr\nRUN wget -q https://example.com/c.zip && unzip -q c.zip -d /c && sh /c/a/setup.sh\nRUN curl -s https://example.com/d.tgz | tar -zxC /tmp && mv /tmp/d-linux/d /usr/local/bin/ && d --version\nRUN curl -s https://example.com/e.tgz | tar xz -C /usr/local/bin e\nRUN e --version\nWORKDIR /f\nRUN tar -xf <(curl -s https://example.com/f.tgz) && python3 f/setup.py install\nRUN curl -O https://example.com/g.gz && gunzip g.gz && sh g\nRUN curl -s https://example.com/h.tgz | tar xz -C /opt/h\nCMD [\"/opt/h/bin/h\"]\n",
                &[2, 4, 5, 6, 8, 10, 11, 13],
            ),
            FileExample::bad(
                "what is unpacked in another stage",
                "FROM debian:12 AS a\nRUN curl -s https://example.com/a.tgz | tar xz -C /opt/a\nFROM debian:12\nCOPY --from=a /opt/a/bin/a /usr/local/bin/a\nRUN a --version\n",
                &[5],
            ),
            FileExample::good(
                "archives that are checked, and files from elsewhere",
                "FROM debian:12\nWORKDIR /w\nRUN curl -O https://example.com/a.tgz && echo 'abc  a.tgz' | sha256sum -c && tar xzf a.tgz -C /opt && /opt/install.sh\nRUN curl -s https://example.com/b.tgz | tar xz && git clone https://example.com/c.git && cd c && ./configure\nCOPY build.sh /w/\nRUN curl -s https://example.com/d.tgz | tar xz -C /w && ./build.sh\nRUN curl -s https://example.com/e.tgz | tar xz -C /usr/local && /usr/local/bin/f\nRUN curl -s https://example.com/g.tgz | tar xz -C /usr/local/bin g && h --version\nCOPY . /srv\nRUN curl -s https://example.com/i.tgz | tar xz -C /srv && /srv/run.sh\nRUN echo 'true' > /w/j.sh && sh /w/j.sh\nRUN node -e \"fetch('https://example.com/a').then(r => /a/.exec(r))\" && find . -name x | xargs -I{} sh -c 'echo {}'\nRUN curl -s https://example.com/k.tgz | tar xz -C /opt/k --strip-components=1 && ls /opt/k\n",
            ),
            FileExample::bad(
                "here-documents whose end has blanks",
                "FROM debian:12\nRUN <<'E O'\ncurl https://example.com/a | sh\nE O\nRUN sh <<\"E O\"\ncurl -k https://example.com/a\nE O\n",
                &[3, 6],
            ),
            FileExample::bad(
                "nested settings of apt",
                "FROM debian:12\nRUN echo 'APT { Get { AllowUnauthenticated \"yes\"; }; };' > /etc/apt/apt.conf.d/99a\nCOPY <<EOF /etc/apt/apt.conf.d/99b\nAcquire {\n  https { Verify-Host \"no\"; };\n};\nEOF\n",
                &[2, 5],
            ),
            FileExample::bad(
                "programs that run as they arrive",
                "FROM debian:12\nRUN python3 -c \"$(wget -qO- https://example.com/a.py)\"\nRUN perl <(curl -s https://example.com/a.pl)\nRUN bash <<< \"$(curl -s https://example.com/a.sh)\"\nRUN . /dev/stdin <<< \"$(curl -s https://example.com/a.sh)\"\n",
                &[2, 3, 4, 5],
            ),
            FileExample::bad(
                "files that run without a check",
                "FROM debian:12 AS base\nRUN curl -fsSL -o /tmp/a.sh https://example.com/a.sh && sh /tmp/a.sh\nRUN wget -q https://example.com/b.py && python3.12 -u b.py\nRUN wget -O /usr/local/bin/tool https://example.com/tool\nRUN chmod +x /usr/local/bin/tool\nRUN sudo tool --version\nRUN curl -LO https://example.com/c?v=1 && mv c /opt/d && chmod 755 /opt/d && /opt/d\nRUN curl https://example.com/e > e.sh; . ./e.sh\nRUN wget -qO- https://example.com/f | tee /f; cat /f | bash\nADD https://example.com/g /g.sh\nRUN bash -eux -o pipefail /g.sh\nRUN curl -o h.sh https://example.com/h\nFROM base\nRUN sh < h.sh\n",
                &[2, 3, 6, 7, 8, 9, 11, 14],
            ),
            FileExample::bad(
                "a check of another file, or one that comes too late",
                "FROM debian:12\nRUN curl -o a.sh https://example.com/a && echo \"$SUM b.sh\" | sha256sum -c && sh a.sh && echo \"$SUM a.sh\" | sha256sum -c\nRUN curl -o c https://example.com/c && gpg --verify d.asc d && chmod +x c && ./c\nRUN curl -o e https://example.com/e && sha256sum -c e.sum && curl -o e https://example.com/e2 && sh e\nRUN sha256sum f && curl -o f https://example.com/f && sh f\nRUN curl -o g https://example.com/g; sha256sum -c g.sum || true; sh g\nRUN curl -o h https://example.com/h; sha256sum h | grep $SUM || :; sh h\n",
                &[2, 3, 4, 5, 6, 7],
            ),
            FileExample::good(
                "files that are checked before they run",
                "FROM debian:12\nRUN curl -o a.sh https://example.com/a && echo \"$SUM  a.sh\" | sha256sum -c - && sh a.sh\nRUN wget https://example.com/b https://example.com/SUMS && grep b SUMS | shasum -a 256 -c && sh b\nRUN curl -LO https://example.com/c && gpg --verify c.asc && chmod +x c && mv c /usr/bin/ && c\nRUN curl -o /d https://example.com/d && cosign verify-blob --key k.pub --signature d.sig /d && sh /d\nRUN curl -o e https://example.com/e && [ \"$(sha256sum e | cut -d' ' -f1)\" = \"$SUM\" ] && sh e\nRUN curl -o f https://example.com/f; sha256sum f | grep -q $SUM; sh f\nRUN f=g && curl -o \"$f\" https://example.com/g && sha256sum -c <<< \"$SUM $f\" && sh \"$f\"\nADD --checksum=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa https://example.com/h /h.sh\nRUN sh /h.sh\nRUN curl -o i https://example.com/i && cksum -a sha256 -c i.sum && sh i\nRUN curl -o j https://example.com/j && openssl sha256 j | grep $SUM && sh j\nRUN curl -o k.php https://example.com/k && php -r \"if (hash_file('sha384', 'k.php') !== '$SUM') { exit(1); }\" && php k.php\nRUN curl -o l.py https://example.com/l && python3 -c \"import hashlib; assert hashlib.sha256(open('l.py','rb').read()).hexdigest() == '$SUM'\" && python3 l.py\n",
            ),
            FileExample::good(
                "files that do not run",
                "FROM debian:12\nRUN curl -o a.tgz https://example.com/a && mkdir /a && tar xzf a.tgz -C /a && cp /a/b.txt /c\nRUN curl -o b.json https://example.com/b && python3 -m json.tool b.json && sh c.sh\nRUN wget -O d.sh http://localhost:8000/d.sh && sh d.sh\nRUN curl -o e.sh https://example.com/e && rm e.sh\nCOPY e.sh .\nRUN sh e.sh\nRUN sh f.sh && curl -o f.sh https://example.com/f\n",
            ),
            FileExample::bad(
                "packages that are loaded, and not checked",
                "FROM debian:12\nRUN curl -LO https://example.com/a.deb && dpkg -i a.deb\nRUN wget -P /tmp https://example.com/b.deb && cd /tmp && apt-get install -y ./b.deb\nRUN wget -qO /tmp/c.deb https://example.com/c && dpkg -i /tmp/*.deb\nADD https://example.com/d.deb /opt/\nWORKDIR /opt\nRUN apt install -y ./d.deb\nFROM fedora:42\nRUN rpm -ivh https://example.com/e.rpm\nRUN dnf install -y https://jane@example.com/f.rpm\nRUN curl -o g.rpm https://example.com/g && rpm -U g.rpm && yum localinstall -y g.rpm\nRUN curl -o \"${V}.rpm\" https://example.com/h && rpm -i $PWD/$V.rpm\n",
                &[2, 3, 4, 7, 9, 10, 11, 12],
            ),
            FileExample::good(
                "packages that are checked",
                "FROM debian:12\nRUN curl -LO https://example.com/a.deb && echo \"$SUM a.deb\" | sha256sum -c && dpkg -i a.deb\nRUN curl -LO https://example.com/b.deb && dpkg -l b.deb && apt-get install -y b.deb && dpkg -i c.deb\nFROM fedora:42\nRUN rpm --import https://example.com/key && rpm -q https://example.com/c.rpm\nRUN dnf install -y --setopt=localpkg_gpgcheck=1 https://example.com/d.rpm\nRUN dnf config-manager --add-repo https://example.com/e.repo && dnf install -y e\nRUN curl -o f.rpm https://example.com/f && rpm -K f.rpm && rpm -i f.rpm\nRUN dnf install -y http://localhost/g.rpm\nFROM alpine:3.22\nRUN wget https://example.com/h.apk && apk add h.apk\n",
            ),
            FileExample::bad(
                "what the image starts",
                "FROM debian:12 AS load\nWORKDIR /src\nADD https://example.com/a.jar .\nRUN curl -o tool https://example.com/tool && chmod +x tool && mkdir lib && curl -o lib/b.py https://example.com/b\nFROM debian:12\nWORKDIR /app\nCOPY --from=load /src/a.jar /src/tool ./\nENTRYPOINT [\"java\", \"-jar\"]\nCMD [\"a.jar\"]\nFROM debian:12\nCOPY --from=0 /src/tool /usr/local/bin/app\nENTRYPOINT [\"/entrypoint.sh\"]\nCMD [\"app\", \"serve\"]\nFROM debian:12\nCOPY --from=load /src /srv\nCMD cd /srv/lib && exec python3 b.py\n",
                &[8, 13, 16],
            ),
            FileExample::bad(
                "packages of files, by other ways to name them",
                "FROM debian:12\nRUN curl -LO https://example.com/a.deb && apt-get -t bookworm-backports install -y ./a.deb\nRUN curl -LO https://example.com/b.deb && apt-get -o Dpkg::Use-Pty=0 reinstall ./b.deb\nRUN curl -LO https://example.com/c.deb && dpkg --unpack c.deb\nRUN dnf in -y --setopt=xlocalpkg_gpgcheck=1 https://example.com/d.rpm\nRUN rpm-ostree install https://example.com/e.rpm\nRUN dnf install -y --setopt=main.localpkg_gpgcheck=True https://example.com/f.rpm\nFROM debian:12 AS load\nRUN curl -o /out/x https://example.com/x && curl -o /opt/tools/y https://example.com/y\nFROM debian:12\nCOPY --from=load /out/x /usr/local/bin\nENTRYPOINT [\"x\"]\nFROM load\nENV PATH=/opt/tools:$PATH\nCMD [\"y\"]\n",
                &[2, 3, 4, 5, 6, 12, 15],
            ),
            FileExample::good(
                "programs of another folder, and packages that the build itself made",
                "FROM debian:12\nRUN curl -o /data/bin/bash https://example.com/bash\nRUN bash -c 'ls'\nRUN echo \"deb [ trusted=yes ] file://$tempDir ./\" > /etc/apt/sources.list.d/temp.list\n",
            ),
            FileExample::good(
                "another file of the same name",
                "FROM debian:12 AS load\nRUN curl -o /tmp/install.sh https://example.com/a\nCOPY install.sh /opt/\nRUN sh /opt/install.sh && cd /opt && ./install.sh\nWORKDIR /srv\nRUN sh install.sh && (cd /tmp && ls) && ./install.sh\nCOPY own.sh /tmp/install.sh\nRUN sh /tmp/install.sh\nRUN curl -o /usr/bin/tool https://example.com/tool\nFROM debian:12\nCOPY --from=load /srv/tool /usr/bin/tool\nCMD [\"tool\"]\n",
            ),
            FileExample::bad(
                "files that xargs, find and patterns name",
                "FROM debian:12\nWORKDIR /w\nRUN curl -O https://example.com/a.deb && ls *.deb | xargs dpkg -i\nRUN wget -P /tmp https://example.com/b.deb && find /tmp -name '*.deb' -exec dpkg -i {} +\nRUN curl -o d/c.sh https://example.com/c && find . -type f -name \"*.sh\" -execdir bash {} \\;\nRUN curl -o d.py https://example.com/d && echo d.py | xargs -n1 python3\nRUN curl -o /x/e.sh https://example.com/e && find /x -maxdepth 1 -name e.sh | sort | xargs -I{} sh -c 'chmod +x {} && {}'\nRUN curl -o f.tgz https://example.com/f && find . -name '*.tgz' -exec tar xzf {} -C /f \\; && /f/run\nRUN curl -o g.sh https://example.com/g && sh ./g*\nRUN curl -o /h/h.sh https://example.com/h && ls /h | xargs -I % sh /h/%\nRUN wget $URL && dpkg -i *.deb\nRUN curl -o /i/i.deb https://example.com/i && dpkg -R -i /i\nRUN curl -o /j/j.sh https://example.com/j && find /j -name '*.sh' -exec sh -c 'bash \"$1\"' _ {} \\;\nRUN curl -o k-1.0.sh https://example.com/k && bash ./k-?.[0-9].sh\n",
                &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
            ),
            FileExample::bad(
                "files in folders that are moved, copied or linked",
                "FROM debian:12\nWORKDIR /w\nRUN curl -o dl/a.sh --create-dirs https://example.com/a && mv dl /opt/tools && sh /opt/tools/a.sh\nRUN curl -o dl/b.sh https://example.com/b && cp -r dl/. /srv/b && /srv/b/b.sh\nRUN curl -o dl/c.sh https://example.com/c && mkdir -p /x && cp -a dl /x && bash /x/dl/c.sh\nRUN curl -o /opt/d-1/bin/d https://example.com/d && ln -s /opt/d-1 /opt/d && /opt/d/bin/d\nRUN curl -o e.sh https://example.com/e && install -D -m 755 e.sh -t /usr/local/libexec && /usr/local/libexec/e.sh\nRUN curl -o dl/f.deb https://example.com/f && mv dl/* /pkgs/ && dpkg -i /pkgs/f.deb\nRUN curl -o g.sh https://example.com/g && mkdir -p /g && cp g.sh /g && sh /g/g.sh\nRUN curl -o lib/h https://example.com/h && ln -s ../w/lib/h /bin/h && h\nRUN curl -s https://example.com/i.tgz | tar xz -C /tmp/i && mv /tmp/i /opt/i && /opt/i/run\nRUN curl -s https://example.com/j.tgz | tar xz -C /tmp/j && mv /tmp/j/*/* /opt/jj && /opt/jj/run\nRUN curl -o dl/k.sh https://example.com/k && rsync -a dl/ /k/ && sh /k/k.sh\nRUN curl -o l.sh https://example.com/l && mv -t /opt l.sh && sh /opt/l.sh\nRUN curl -o m.sh https://example.com/m && cp m.sh /opt && sh /opt/m.sh\n",
                &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
            ),
            FileExample::bad(
                "files of another stage, by a mount",
                "FROM debian:12 AS load\nWORKDIR /dl\nRUN curl -o a.deb https://example.com/a && curl -o b/b.sh https://example.com/b && curl -O https://example.com/c.whl\nRUN curl -s https://example.com/d.tgz | tar xz -C /opt/d\nFROM debian:12\nRUN --mount=type=bind,from=load,source=/dl,target=/mnt dpkg -i /mnt/a.deb\nRUN --mount=from=load,src=/dl/b/b.sh,dst=/tmp/b.sh sh /tmp/b.sh\nRUN --mount=type=bind,from=0,target=/load cp /load/dl/a.deb /a.deb && apt-get install -y /a.deb\nRUN --mount=from=load,source=dl,target=/wheels pip install /wheels/*.whl\nRUN --mount=type=bind,from=load,target=/load /load/opt/d/install.sh\nRUN --mount=type=bind,from=load,source=/opt/d/bin,target=/d /d/tool\nWORKDIR /w\nRUN --mount=type=bind,from=load,source=/dl,target=. sh b/b.sh\nRUN sh b/b.sh\nRUN --mount=type=bind,source=own,target=/mnt dpkg -i /mnt/a.deb\n",
                &[6, 7, 8, 9, 10, 11, 13],
            ),
            FileExample::bad(
                "addresses in variables, and those of pip and npm",
                "FROM fedora:42\nARG URL=https://example.com/a.rpm\nENV PIP=\"https://example.com/a.whl\"\nARG V\nENV VURL=https://example.com/a-${V}.rpm\nRUN dnf install -y $URL\nRUN rpm -i \"${URL}\"\nRUN pip install --no-cache-dir $PIP\nRUN rpm -i ${OTHER:-https://example.com/b.rpm}\nRUN yum install -y \"$VURL\"\nRUN url=\"https://example.com/$V.rpm\"; rpm -Uvh \"$url\"\nRUN python3 -m pip install 'a @ https://example.com/a.zip'\nRUN npm install -g https://example.com/a.tgz\nARG DEB=./a.deb\nRUN curl -o a.deb https://example.com/a && apt-get install -y $DEB\nARG BASE=https://example.com\nRUN wget $BASE/c.deb && dpkg -i c.deb\nRUN export U=https://example.com/x.sh && wget $U && sh x.sh\n",
                &[6, 7, 8, 9, 10, 11, 12, 13, 15, 17, 18],
            ),
            FileExample::bad(
                "programs of other interpreters, and in other places of their words",
                "FROM debian:12\nWORKDIR /w\nRUN curl -o a.jar https://example.com/a && java -cp a.jar Main\nRUN curl -o lib/b.jar https://example.com/b && java -classpath \"x.jar:lib/*\" Main\nRUN curl -o c.py https://example.com/c && python3 -W ignore c.py\nRUN curl -o d.js https://example.com/d && node -r ./d.js app.js\nRUN curl -o e.pl https://example.com/e && perl -I lib e.pl\nRUN curl -o f.rb https://example.com/f && ruby -r json f.rb\nRUN curl -o g.php https://example.com/g && php -d a=b g.php\nRUN curl -o h.sh https://example.com/h && bash < h.sh\nRUN curl -o i.lua https://example.com/i && lua5.4 i.lua\nRUN curl -o j.R https://example.com/j && Rscript j.R\nRUN curl -o k.ts https://example.com/k && deno run -A k.ts\nRUN curl -o l.sh https://example.com/l && eval \"$(cat l.sh)\"\nRUN curl -o m.sh https://example.com/m && bash -c \"$(cat m.sh)\"\nRUN curl -o n.jar https://example.com/n && java -javaagent:n.jar -jar own.jar\nRUN curl -o o.dll https://example.com/o && dotnet o.dll\nRUN curl -o p.php https://example.com/p && php -f p.php\n",
                &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
            ),
            FileExample::bad(
                "the check of the health of the image",
                "FROM debian:12\nWORKDIR /w\nRUN curl -o /usr/local/bin/probe https://example.com/p\nHEALTHCHECK --interval=5s CMD [\"probe\", \"--all\"]\nFROM debian:12\nRUN curl -o /probe https://example.com/p\nHEALTHCHECK CMD /probe || exit 1\nHEALTHCHECK NONE\n",
                &[4],
            ),
            FileExample::good(
                "folders that are removed, and filled again",
                "FROM debian:12\nWORKDIR /w\nRUN curl -o dl/a.sh https://example.com/a && rm -rf dl\nCOPY dl dl\nRUN sh dl/a.sh\nRUN curl -s https://example.com/b.tgz | tar xz -C /b && make -C /b\nRUN rm -rf /b\nCOPY b /b\nRUN /b/run.sh\nRUN curl -s https://example.com/c.tgz | tar xz -C /c && rm -rf /c/*\nCOPY --from=x /c /c\nRUN /c/run.sh\nRUN curl -o /d/d.sh https://example.com/d && find /d -name '*.sh' -exec rm -f {} +\nCOPY . /d\nRUN /d/d.sh\n",
            ),
            FileExample::bad(
                "what the stages start that a build makes",
                "FROM debian:12 AS build\nRUN curl -o /a.sh https://example.com/a\nCMD [\"/a.sh\"]\nFROM debian:12 AS dev\nRUN curl -o /b.sh https://example.com/b\nCMD [\"/b.sh\"]\nFROM debian:12 AS base\nRUN curl -o /c.sh https://example.com/c\nENTRYPOINT [\"/c.sh\"]\nFROM debian:12 AS tool\nRUN curl -o /d.sh https://example.com/d\nHEALTHCHECK CMD /d.sh\nFROM base\nCOPY --from=build /x /x\nRUN --mount=from=tool,target=/t ls /t\n",
                &[6, 9],
            ),
            FileExample::good(
                "checks in functions",
                "FROM debian:12\nWORKDIR /w\nRUN check() { echo \"$2  $1\" | sha256sum -c -; }; \\\n  curl -o a.sh https://example.com/a; check a.sh abc; sh a.sh\nRUN verify() { \\\n      local file=\"$1\"; \\\n      gpg --batch --verify \"$file.asc\" \"$file\"; \\\n    }; \\\n    curl -O https://example.com/b.sh; verify b.sh && sh b.sh\nRUN function load { curl -o \"$1\" \"https://example.com/$1\"; gpgv k.gpg \"$1.sig\" \"$1\"; }; load c.sh; sh c.sh\nRUN <<EOF\nfetch() {\n  wget -O \"$1\" \"$2\"\n  echo \"$3 $1\" | sha256sum --check\n}\nfetch /d https://example.com/d abc\n/d\nEOF\nRUN bash -c 'c() { cosign verify-blob --key k.pub --signature \"$1.sig\" \"$1\"; }; curl -o e https://example.com/e; c e; sh e'\n",
            ),
            FileExample::bad(
                "functions that check another file, or too late",
                "FROM debian:12\nWORKDIR /w\nRUN check() { gpg --verify \"$1.asc\" \"$1\"; }; curl -o a.sh https://example.com/a; curl -o b.sh https://example.com/b; check a.sh; sh b.sh\nRUN load() { curl -o \"$1\" \"https://example.com/$1\"; chmod +x \"$1\"; }; load c.sh; ./c.sh\nRUN run() { sh \"$1\"; }; curl -o d.sh https://example.com/d; run d.sh\nRUN check() { sha256sum -c e.sum; }; curl -o e.sh https://example.com/e; sh e.sh; check\n",
                &[3, 4, 5, 6],
            ),
            FileExample::bad(
                "files that commands write of others, and of the output of a command",
                "FROM debian:12\nWORKDIR /w\nRUN curl -O https://example.com/a.deb && for f in *.deb; do dpkg -i \"$f\"; done\nRUN curl -o b.sh https://example.com/b && ls *.sh | while read -r s; do bash \"$s\"; done\nRUN curl -o c.sh https://example.com/c && cat c.sh > d.sh && sh d.sh\nRUN curl -o e.gz https://example.com/e && gunzip -c e.gz > /usr/local/bin/e && e\nRUN curl -o f.7z https://example.com/f && 7z x f.7z -o/opt/f && /opt/f/run\nRUN curl -o g.rpm https://example.com/g && rpm2cpio g.rpm | cpio -idm && ./usr/bin/g\nRUN php -r \"copy('https://example.com/h', 'h.php');\" && php h.php\nRUN python3 -c \"import urllib.request as u; u.urlretrieve('https://example.com/i', '/i.sh')\" && sh /i.sh\nRUN curl https://example.com/j | install -m 755 /dev/stdin /usr/bin/j && j\nRUN echo \"$(curl -s https://example.com/k)\" > k.sh && sh k.sh\nRUN s=$(curl -s https://example.com/l); eval \"$s\"\nRUN s=\"$(wget -qO- https://example.com/m)\" && echo \"$s\" | bash\nRUN curl -o /opt/n/n https://example.com/n && export PATH=/opt/n:$PATH && n\nRUN curl -o o https://example.com/o && chmod +x o && xvfb-run -a ./o\nRUN curl -o p.deb https://example.com/p && dpkg -i $(find . -name '*.deb')\nRUN curl -o q.deb https://example.com/q && dpkg-deb -x q.deb /q && /q/usr/bin/q\nRUN curl -o r.tgz https://example.com/r && tar xz -C /r < r.tgz && sh /r/install.sh\nRUN curl -o t.tgz https://example.com/t && cat t.tgz | tar xz -C /t && sh /t/install.sh\nRUN curl -o u.sh https://example.com/u && tr -d '\\r' < u.sh | tee v.sh && sh v.sh\nRUN curl -o x.deb https://example.com/x && ar x x.deb && tar xf data.tar.xz -C /x && /x/run\n",
                &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22],
            ),
            FileExample::good(
                "files that only look as if they ran",
                "FROM debian:12\nWORKDIR /w\nRUN curl -O https://example.com/a.deb && sha256sum -c a.sum && for f in *.deb; do dpkg -i \"$f\"; done\nRUN for f in *.deb; do curl -O https://example.com/$f; gpg --verify $f.asc $f; dpkg -i $f; done\nRUN v=$(curl -s https://example.com/version); echo \"$v\"; apt-get install -y a=$v; make VERSION=$v\nRUN curl -o c.json https://example.com/c && sed 's/a/b/' c.json > d.json && python3 own.py d.json\nRUN php -r \"copy('https://example.com/h', 'h.php');\" && php -r \"if (hash_file('sha384', 'h.php') === 'abc') { echo 1; }\" && php h.php\nRUN curl -o i.sh https://example.com/i && bash own.sh \"$(cat i.sh)\" && java -cp own.jar Main i.sh\nRUN find / -name '*.sh' -exec chmod +x {} + && find /usr -name '*.py' | xargs -r rm\nRUN curl -o j.deb https://example.com/j && ls | xargs echo && find . -name '*.deb' -exec ls -l {} +\nRUN apt-mark showmanual | xargs apt-get install -y && cat list | xargs pip install\nRUN curl -o k.sh https://example.com/k && rm -f *.sh\nCOPY k.sh .\nRUN ls *.sh | xargs -n1 sh\nRUN find / -xdev -type f -perm /6000 -exec chmod a-s {} \\;\nRUN pip install -r requirements.txt -c https://example.com/c.txt --index-url https://example.com/simple a\nRUN pip install https://example.com/a.whl#sha256=abc && pip install git+https://github.com/a/b@1\nRUN curl -o /usr/share/x.gpg https://example.com/x && install -d /opt/x && cp /usr/share/x.gpg /etc/apt/keyrings/\n",
            ),
            FileExample::bad(
                "files that run or are unpacked in other ways, and what the image loads when it starts",
                "FROM debian:12\nWORKDIR /w\nRUN curl -o a.sh https://example.com/a && bash -c \"$(< a.sh)\"\nRUN curl -s https://example.com/b.tgz | tar xz && mv b-*/ /opt/b && /opt/b/run\nRUN curl -o /usr/local/bin/c https://example.com/c && ln -s c /usr/local/bin/cc && cc\nRUN curl -o d.sh https://example.com/d && cd / && nohup sh w/d.sh &\nRUN curl -Lo /tmp/e.tar.gz https://example.com/e && tar -C /opt/ee -xf /tmp/e.tar.gz && ln -s /opt/ee/x/bin/e /usr/bin/e && e\nRUN curl -o f.zip https://example.com/f && unzip f.zip && chmod +x ./f/tool && ./f/tool\nRUN busybox wget -O g.sh https://example.com/g; sh -- g.sh\nRUN curl -o h.sh https://example.com/h && python3 - < h.sh\nRUN curl -o i.deb https://example.com/i && apt-get install -y \"$PWD/i.deb\"\nFROM debian:12\nCMD curl -s https://example.com/j | sh\nFROM debian:12\nCOPY run.sh /run.sh\nENTRYPOINT [\"/bin/sh\",\"-c\",\"wget -O /t https://example.com/t && chmod +x /t && /t\"]\nHEALTHCHECK CMD curl -f http://localhost:80/ | sh\n",
                &[3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 16],
            ),
            FileExample::good(
                "a checksum that the downloader itself compares",
                "FROM debian:12\nWORKDIR /w\nRUN aria2c --checksum=sha-256=abc -o a.sh https://example.com/a && sh a.sh\nHEALTHCHECK CMD curl -f https://example.com/ | grep ok || exit 1\n",
            ),
            FileExample::bad(
                "what is not removed, failures that count for nothing, and variables in quotes",
                "FROM debian:12\nWORKDIR /w\nRUN curl -o a.sh https://example.com/a; rm -f \"\"; rm -rf . || true; sh a.sh\nRUN curl -o dl/b.sh https://example.com/b; rm dl || true; sh dl/b.sh\nRUN check() { sha256sum -c \"$1.sum\"; }; curl -o c.sh https://example.com/c; check c.sh || true; sh c.sh\nENV PATH=\"/opt/d:${PATH}\"\nRUN curl -o /opt/d/d https://example.com/d && d\nENV URL=\"https://example.com/$V.whl\"\nRUN pip install \"a @ $URL\" $URL\nRUN npm install @a/b@https://example.com/b.tgz\n",
                &[3, 4, 5, 7, 9, 10],
            ),
            FileExample::good(
                "programs of the same name, and addresses that are no packages",
                "FROM debian:12\nWORKDIR /w\nRUN curl -s https://example.com/a.tgz | tar xz -C /tmp/a && mv /tmp/a/bash /usr/local/bin/mybash && bash -c ls\nRUN gem install a --source https://rubygems.org && npm install https://github.com/a/b.git && gem install -s https://example.com b\nRUN yarn config set registry https://example.com/ && npm install --registry https://example.com/ c\nRUN rm -f own.sh; rm -rf /w/*; curl -o d.json https://example.com/d\n",
            ),
            FileExample::bad(
                "programs of an archive that is a release of them",
                "FROM debian:12 AS go\nRUN wget -q https://example.com/go1.22.linux-amd64.tar.gz && tar -C /usr/local -xzf go1.22.linux-amd64.tar.gz\nENV PATH=$PATH:/usr/local/go/bin\nRUN go version\nFROM debian:12\nARG V=1.9\nRUN wget -q https://example.com/terraform_${V}_linux_amd64.zip && unzip terraform_${V}_linux_amd64.zip -d /usr/local/bin && terraform version\nRUN curl -s https://example.com/node-v20.tar.gz | tar xz -C /usr/local --strip-components=1 && node -v\nRUN curl -s https://example.com/sbt-1.tgz | gunzip | tar x -C /usr/local && /usr/local/sbt/bin/sbt\nRUN wget -q https://example.com/gradle-8-bin.zip && unzip -d /opt/g gradle-8-bin.zip && ln -s /opt/g/gradle-8 /opt/g/latest\nENV PATH=/opt/g/latest/bin:$PATH\nRUN gradle build\nRUN curl -s https://example.com/openjdk-17.tgz | tar xz -C /opt/java\nENV PATH=/opt/java/bin:$PATH\nCMD [\"java\", \"-jar\", \"app.jar\"]\n",
                &[4, 7, 8, 9, 12, 15],
            ),
            FileExample::good(
                "other programs than those of the archive, and releases that are checked",
                "FROM debian:12\nRUN curl -s https://example.com/git-lfs-linux-amd64.tgz | tar xz -C /usr/local/bin && git config -l && terraform version\nRUN curl -s https://example.com/node_exporter-1.tgz | tar xz -C /usr/local && node -v\nRUN curl -O https://example.com/go1.tgz && echo \"$SUM go1.tgz\" | sha256sum -c && tar xzf go1.tgz -C /usr/local\nENV PATH=/usr/local/go/bin:$PATH\nRUN go version\nFROM golang:1.22\nRUN curl -s https://example.com/go1.tgz | tar xz -C ~ && ~/go/bin/tool\nCOPY --from=golang:1.21 /usr/local/cmake /usr/local/cmake\nRUN curl -s https://example.com/cmake.tgz | tar xz -C /usr/local && /usr/local/bin/tool && /usr/local/cmake/x && bash -c ls\n",
            ),
            FileExample::good(
                "apk without a signature, where something else was checked",
                "FROM alpine:3.22\nRUN apk index --allow-untrusted -o /p/APKINDEX.tar.gz /p/*.apk\nRUN curl -O https://example.com/a.apk -O https://example.com/a.sig && gpg --verify a.sig a.apk\nRUN apk add --no-cache --allow-untrusted a.apk\n",
            ),
            FileExample::bad(
                "apk without a signature, where not all was checked, and a package by its whole path",
                "FROM alpine:3.22\nRUN curl -O https://example.com/a.apk && echo \"$SUM a.apk\" | sha256sum -c && apk add --allow-untrusted a.apk b.apk\nFROM debian:12\nRUN wget https://example.com/c.deb && apt -y install \"$PWD/c.deb\"\nRUN R -e 'install.packages(\"x\")' -e 'source(\"https://example.com/a.R\")' && julia -e 'include(download(\"https://example.com/a.jl\"))'\n",
                &[2, 4, 5, 5],
            ),
            FileExample::bad(
                "failures that count for nothing, as a text follows",
                "FROM debian:12\nRUN curl -o a.sh https://example.com/a; sha256sum -c a.sum || echo bad; sh a.sh\nRUN curl -o b.sh https://example.com/b; sha256sum -c b.sum || { echo bad >&2; printf worse; }; sh b.sh\nRUN curl -o c.sh https://example.com/c; (echo \"$SUM c.sh\" | sha256sum -c) || (echo bad); sh c.sh\nRUN curl -o d.sh https://example.com/d; { gpg --verify d.sh.asc || { echo bad || true; }; }; sh d.sh\n",
                &[2, 3, 4, 5],
            ),
            FileExample::good(
                "failures that end the build after a text",
                "FROM debian:12\nRUN curl -o a.sh https://example.com/a; sha256sum -c a.sum || { echo bad; exit 1; }; sh a.sh\nRUN curl -o b.sh https://example.com/b; sha256sum -c b.sum || (echo bad && false); sh b.sh\nRUN curl -o c.sh https://example.com/c; sha256sum -c c.sum || sha512sum -c c.sum || exit 1; sh c.sh\nRUN fail() { echo \"$1\"; exit 1; }; curl -o d.sh https://example.com/d; sha256sum -c d.sum || fail bad; sh d.sh\nRUN for i in 1 2 3; do curl -o e.sh https://example.com/e; sha256sum -c e.sum && break || echo again; done; sh e.sh\n",
            ),
            FileExample::good(
                "files that are checked in a cache",
                "FROM debian:12 AS load\nRUN curl -o /dl/a.sh https://example.com/a\nFROM debian:12\nRUN --mount=type=cache,from=load,source=/dl,target=/dl sha256sum -c /dl/a.sum\nRUN --mount=type=cache,from=load,source=/dl,target=/dl sh /dl/a.sh\nRUN --mount=type=cache,id=b,target=/b curl -o /b/b.deb https://example.com/b && echo \"$SUM /b/b.deb\" | sha256sum -c\nRUN --mount=type=cache,id=b,target=/c dpkg -i /c/b.deb\nRUN --mount=type=cache,target=/d curl -o /d/d.sh https://example.com/d\nCOPY d.sh /d/\nRUN sh /d/d.sh\n",
            ),
            FileExample::bad(
                "files of a cache that nothing checks, in another stage and at another place",
                "FROM debian:12 AS one\nRUN --mount=type=cache,target=/dl curl -o /dl/a.sh https://example.com/a && curl -o /dl/b.sh https://example.com/b\nFROM debian:12\nRUN --mount=type=cache,target=/dl sha256sum -c - <<< \"$SUM /dl/b.sh\"\nRUN --mount=type=cache,id=/dl,target=/x sh /x/b.sh && sh /x/a.sh\n",
                &[5],
            ),
            FileExample::bad(
                "scripts that the build writes and runs",
                "FROM debian:12\nRUN echo 'curl https://example.com/a | sh' > /a.sh && sh /a.sh\nRUN cat <<'EOF' > /usr/local/bin/b\n#!/bin/bash\nwget -O /opt/b https://example.com/b\nchmod +x /opt/b\n/opt/b\nEOF\nRUN chmod +x /usr/local/bin/b && b\nCOPY <<EOF /c/\n#!/bin/sh\ncurl -k https://example.com/c\nEOF\nRUN mv /c/EOF /d.sh\nRUN . /d.sh\nRUN printf '#!/bin/sh\\ncurl -o /e https://example.com/e\\n' > e.sh; printf '%s\\n' 'set -e' 'sh /e' | tee -a e.sh; bash e.sh\nRUN if true; then curl -o /usr/bin/f https://example.com/f; else echo 'exit 1' > /usr/bin/f; fi\nFROM debian:12\nCOPY --from=0 /usr/bin/f /usr/bin/f\nCOPY --chmod=755 <<\"END\" /entrypoint.sh\n#!/bin/sh -e\nexec f \"$@\"\nEND\nENTRYPOINT [\"/entrypoint.sh\"]\n",
                &[2, 9, 15, 16, 24],
            ),
            FileExample::good(
                "scripts that the build writes, and that check, do not run, or are replaced",
                "FROM debian:12\nRUN echo 'curl https://example.com/a | sh' > /a.txt && cat /a.txt\nRUN cat <<EOF > b.sh\ncurl -o b https://example.com/b && echo \"$SUM b\" | sha256sum -c && sh b\nEOF\nRUN sh b.sh\nRUN echo 'curl https://example.com/c | sh' > c.sh\nCOPY c.sh .\nRUN sh c.sh\nRUN printf '#!/usr/bin/env python3\\ncurl | sh\\n' > d && ./d\nRUN echo 'sh e.sh' > e.sh && sh e.sh\nCOPY <<EOF f.sh\necho 'curl https://example.com/f | sh'\nEOF\nRUN sh f.sh\n",
            ),
            FileExample::bad(
                "findings in scripts of several lines that are in quotes",
                "FROM debian:12\nRUN su app -c \"echo \\\"a\\\" && \\\n  cd \\$HOME && \\\n  curl -k https://example.com/a && \\\n  x=\\\"$(id)\\\" && \\\n  curl https://example.com/b | sh\"\nRUN <<EOF\nsh -c \"\n  echo \\\"\\$x\\\"\n  wget --no-check-certificate https://example.com/c\n\"\nEOF\n",
                &[4, 6, 10],
            ),
            FileExample::bad(
                "other programs that load files",
                "FROM debian:12\nRUN axel -o a.sh https://example.com/a && sh a.sh\nRUN gh release download v1 -R a/b -p 'b_*.deb' -D /b && dpkg -i /b/b_*.deb\nRUN gh release download v1 -R a/b -p c.sh -O - | sh\nRUN aws s3 cp s3://bucket/d.sh . --region x && sh d.sh\nRUN aws --region x s3 cp s3://bucket/e - | bash\nRUN gsutil -m cp gs://bucket/f.sh /tmp/ && sh /tmp/f.sh\nRUN gcloud storage cp gs://bucket/g /usr/local/bin && g\nRUN az storage blob download -c x -n h --file h.sh && sh h.sh\nRUN deno run -A https://example.com/i.ts && deno install -n j https://example.com/j.ts\nRUN npx -y https://example.com/k.tgz\nRUN pip install -r https://example.com/l.txt\nRUN curl -o m.txt https://example.com/m && pip install --no-cache-dir -r m.txt\nRUN cpanm https://example.com/n.tar.gz\n",
                &[2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 12, 13, 14],
            ),
            FileExample::good(
                "other programs that load files which do not run, or that verify",
                "FROM debian:12\nRUN go run example.com/a@v1.2.3 && go install example.com/b@latest\nRUN aws s3 cp a.sh s3://bucket/a.sh && sh a.sh\nRUN aws s3 cp s3://bucket/c.sh . && echo \"$SUM c.sh\" | sha256sum -c && sh c.sh\nRUN gh release download v1 -p d.sh && gh attestation verify d.sh -R a/b && sh d.sh\nRUN gh release list && gh api /x | sh own.sh\nRUN deno run -A main.ts https://example.com/x && npx tool https://example.com/x && deno run jsr:@a/b\nRUN pip install -c https://example.com/c.txt -r own.txt a && cpanm --mirror https://cpan.example.com A\nRUN gsutil cp gs://bucket/e.json . && python3 own.py e.json\nCMD [\"iex\", \"-S\", \"mix\", \"phx.server\"]\n",
            ),
            FileExample::bad(
                "PowerShell",
                "# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2025\nRUN powershell -NoProfile -Command \"iex ((New-Object System.Net.WebClient).DownloadString('https://example.com/a.ps1'))\"\nSHELL [\"powershell\", \"-Command\", \"$ErrorActionPreference = 'Stop';\"]\nRUN iex (iwr -UseBasicParsing https://example.com/b.ps1)\nRUN Invoke-RestMethod https://example.com/c.ps1 | Invoke-Expression\nRUN $url = 'https://example.com/d.exe'; `\n    Invoke-WebRequest -Uri $url -OutFile d.exe -Headers @{ 'A' = 'b' }; `\n    $p = (Start-Process d.exe -Wait -PassThru -ArgumentList '/S').ExitCode\nRUN (New-Object Net.WebClient).DownloadFile('https://example.com/e.msi', 'C:\\e.msi'); Start-Process msiexec.exe -ArgumentList '/i C:\\e.msi /qn' -Wait\nRUN $wc = New-Object Net.WebClient; $wc.DownloadFile($env:URL, \\\"$env:TEMP\\f.exe\\\"); & \\\"${env:TEMP}\\f.exe\\\" /S\nRUN wget https://example.com/g.zip -OutFile g.zip; Expand-Archive g.zip -DestinationPath C:\\g; C:\\g\\bin\\g.exe\nRUN $s = iwr https://example.com/h.ps1; iex $s\nRUN & ([scriptblock]::Create((irm https://example.com/i.ps1))) -Channel LTS\nRUN Invoke-WebRequest https://example.com/j -SkipCertificateCheck\nFROM debian:12\nRUN pwsh -Command \"Invoke-WebRequest https://example.com/k.ps1 -OutFile k.ps1; ./k.ps1\"\nRUN pwsh -c 'iwr https://example.com/l | iex'\nSHELL [\"pwsh\", \"-Command\"]\nRUN Start-BitsTransfer -Source https://example.com/m.sh -Destination m.sh; Move-Item m.sh n.sh; sh n.sh\nRUN IEX(New-Object Net.WebClient).DownloadString('https://example.com/o.ps1')\nRUN $s = irm https://example.com/p.ps1; $p = & $s\n",
                &[3, 5, 6, 9, 10, 11, 12, 13, 14, 15, 17, 18, 20, 21, 22],
            ),
            FileExample::good(
                "PowerShell that checks what it loads, or does not run it",
                "# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2025\nSHELL [\"powershell\", \"-Command\", \"$ErrorActionPreference = 'Stop';\"]\nRUN Invoke-WebRequest https://example.com/a.exe -OutFile a.exe; `\n    if ((Get-FileHash a.exe -Algorithm sha256).Hash -ne $env:SUM) { Write-Host 'bad'; exit 1 }; `\n    Start-Process a.exe -Wait\nRUN curl.exe -sSLo b.msi https://example.com/b; $h = (Get-FileHash b.msi).Hash; if ($h -ne 'abc') { throw 'bad' }; msiexec /i b.msi\nRUN iwr https://example.com/c.exe -OutFile c.exe; if ((Get-AuthenticodeSignature c.exe).Status -ne 'Valid') { exit 1 }; ./c.exe\nRUN Invoke-WebRequest https://example.com/d.json -OutFile d.json; Get-Content d.json | ConvertFrom-Json\nRUN Write-Host 'iwr https://example.com/e | iex'; # iwr https://example.com/e | iex\nRUN Invoke-WebRequest http://localhost:8080/f.ps1 -OutFile f.ps1; ./f.ps1\nRUN Invoke-WebRequest https://example.com/g.ps1 -OutFile g.ps1; Remove-Item -Force g.ps1; Copy-Item own.ps1 g.ps1; ./g.ps1\nRUN $s = irm https://example.com/version; if ($s -match '1') { $s | ConvertTo-Json }; $v = $s -replace 'v', ''; ($s -split ' ')[0]; $s > version\nSHELL [\"cmd\", \"/S\", \"/C\"]\nRUN powershell -Command \"$f = 'i-' + $v + '.zip'; iwr -OutFile $f https://example.com/$f; $s = ((Get-Content s ^| Where-Object { $_ -match ([regex]::Escape($f))` + '$'; }) -split ' ')[0].ToUpper(); if ($s -ne (Get-FileHash $f).Hash) { exit 1 }; tar -xf $f; .\\i\\i.exe\"\nRUN curl -o h.exe https://example.com/h && h.exe\n",
            ),
            FileExample::bad(
                "another URL than the allowed one",
                "FROM debian:12\nRUN curl https://sh.rustup.rs.example.com | sh\n",
                &[2],
            )
            .params(r#"{"allow":["https://sh.rustup.rs"]}"#),
            FileExample::good(
                "checked",
                "FROM debian:12\nRUN curl -fsSLO https://example.com/a.sh && echo \"$SUM a.sh\" | sha256sum -c && sh a.sh\nRUN apt-get update && apt-get install -y --no-install-recommends curl\nRUN pip install --require-hashes -r requirements.txt\nRUN curl -s https://example.com/a.tgz | tar xz\nRUN curl https://example.com/key | gpg --dearmor > /k && curl https://example.com/a.json | python3 -m json.tool\nRUN python3 -c 'import sys' \"$(curl https://example.com/a.json)\" && python3 a.py <<< \"$(curl https://example.com/a.json)\"\n",
            ),
            FileExample::good(
                "words that only look like it",
                "FROM debian:12\nRUN echo 'curl -k x | sh' && grep -k a\nRUN curl -o -k https://example.com/a && curl -k https://localhost:8443/health\n# RUN curl -k x | sh\nRUN cat a.sh | sh\nENV NODE_TLS_REJECT_UNAUTHORIZED=1\n",
            ),
            FileExample::good(
                "an allowed URL",
                "FROM debian:12\nRUN curl --proto '=https' -sSf https://sh.rustup.rs | sh -s -- -y\nRUN curl -o a.sh https://sh.rustup.rs && sh a.sh\n",
            )
            .params(r#"{"allow":["https://sh.rustup.rs"]}"#),
        ],
    }),
};

/// Parameters of `dockerfile-unverified-packages`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct DockerfileUnverifiedPackages {
    /// Beginnings of URLs from which a script may run as it arrives. Default: none.
    allow: Vec<String>,
}

/// What a check found, and what would pass.
struct Fault {
    span: Range<usize>,
    found: String,
    wanted: &'static str,
}

impl FileCheck for DockerfileUnverifiedPackages {
    fn check<'d>(&self, file: &'d Dockerfile<'d>, findings: &mut FileFindings<'d>) {
        let mut faults = Vec::new();
        let mut runs = file.all_runs().into_iter().peekable();
        let (mut stages, mut caches, mut read) = (Vec::<Downloads>::new(), Caches::default(), 0);
        for stage in &file.stages {
            // A stage has the files of the one that it begins with.
            let mut downloads = match stage.base {
                Base::Stage(below) => stages.get(below).cloned().unwrap_or_default(),
                Base::Image(_) | Base::Scratch => Downloads::default(),
            };
            if stage.base == Base::Scratch {
                downloads.begin_at("/");
            }
            *downloads.read() = read;
            for instruction in file.instructions.get(stage.instructions.clone()).unwrap_or_default() {
                if let Some((_, run)) = runs.next_if(|(runs, _)| std::ptr::eq(*runs, instruction)) {
                    let mounted = files::mount(file, instruction, &stages, &caches, &mut downloads);
                    downloads.begin();
                    run.calls_in_order(&mut |call| {
                        in_call(call, &self.allow, &mut downloads, &mut |part, (found, wanted)| {
                            faults.push(Fault { span: run.span(part), found, wanted });
                        });
                    });
                    // The last one may hide the others.
                    mounted.into_iter().rev().for_each(|mounted| downloads.unmount(mounted, &mut caches));
                }
                files::follow(file, instruction, &stages, &mut downloads, &self.allow);
            }
            read = *downloads.read();
            stages.push(downloads);
        }
        // What a stage starts that only others use runs nowhere. Of the stages that inherit one command, the last one counts.
        let mut judged = HashSet::new();
        for (index, stage) in file.targets().collect::<Vec<_>>().into_iter().rev() {
            let Some(downloads) = stages.get_mut(index) else { continue };
            let mut started = file.started(stage);
            for one in [&mut started.entrypoint, &mut started.command, &mut started.healthcheck] {
                *one = one.filter(|one| judged.insert(one.span.start));
            }
            std::mem::swap(&mut read, downloads.read());
            files::started(started, file, downloads, &self.allow, &mut |span, (found, wanted)| {
                faults.push(Fault { span, found, wanted });
            });
            std::mem::swap(&mut read, downloads.read());
        }
        for instruction in &file.instructions {
            match instruction.keyword {
                Keyword::Env | Keyword::Arg => variables(instruction, &mut faults),
                Keyword::Copy | Keyword::Add => heredocs(instruction, &mut faults),
                _ => {}
            }
        }
        faults.sort_by_key(|fault| fault.span.start);
        // One program may be called in several ways that all say the same.
        faults.dedup_by(|a, b| a.span == b.span && a.found == b.found);
        let finding = |fault: Fault| Finding::new(file.place(fault.span), fault.found, fault.wanted);
        findings.extend(faults.into_iter().map(finding));
    }
}

/// `ENV` and `ARG` that switch checks off.
fn variables(instruction: &Instruction<'_>, faults: &mut Vec<Fault>) {
    for pair in instruction.pairs() {
        let value = pair.value.as_ref().map_or("", |value| value.text());
        if let Some(found) = options::variable(&pair.name, value) {
            faults.push(Fault { span: pair.span.clone(), found, wanted: options::VERIFIED });
        }
    }
}

/// Configuration in here-documents.
fn heredocs(instruction: &Instruction<'_>, faults: &mut Vec<Fault>) {
    for heredoc in &instruction.heredocs {
        if let Some((at, found)) = options::setting(heredoc.text) {
            let start = heredoc.start + at;
            faults.push(Fault { span: start..start + 1, found, wanted: options::SIGNED });
        }
    }
}
