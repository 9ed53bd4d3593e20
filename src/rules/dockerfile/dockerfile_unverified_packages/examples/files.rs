//! Files that are loaded, and run or not.

use crate::rule::FileExample;

pub const EXAMPLES: &[FileExample] = &[
    FileExample::bad(
        "files that run without a check",
        "FROM debian:12 AS base\nRUN curl -fsSL -o /tmp/a.sh https://example.com/a.sh && sh /tmp/a.sh\nRUN wget -q https://example.com/b.py && python3.12 -u b.py\nRUN wget -O /usr/local/bin/tool https://example.com/tool\nRUN chmod +x /usr/local/bin/tool\nRUN sudo tool --version\nRUN curl -LO https://example.com/c?v=1 && mv c /opt/d && chmod 755 /opt/d && /opt/d\nRUN curl https://example.com/e > e.sh; . ./e.sh\nRUN wget -qO- https://example.com/f | tee /f; cat /f | bash\nADD https://example.com/g /g.sh\nRUN bash -eux -o pipefail /g.sh\nRUN curl -o h.sh https://example.com/h\nFROM base\nRUN sh < h.sh\n",
        &[2, 3, 6, 7, 8, 9, 11, 14],
    ),
    FileExample::good(
        "files that do not run",
        "FROM debian:12\nRUN curl -o a.tgz https://example.com/a && mkdir /a && tar xzf a.tgz -C /a && cp /a/b.txt /c\nRUN curl -o b.json https://example.com/b && python3 -m json.tool b.json && sh c.sh\nRUN wget -O d.sh http://localhost:8000/d.sh && sh d.sh\nRUN curl -o e.sh https://example.com/e && rm e.sh\nCOPY e.sh .\nRUN sh e.sh\nRUN sh f.sh && curl -o f.sh https://example.com/f\n",
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
    FileExample::good(
        "folders that are removed, and filled again",
        "FROM debian:12\nWORKDIR /w\nRUN curl -o dl/a.sh https://example.com/a && rm -rf dl\nCOPY dl dl\nRUN sh dl/a.sh\nRUN curl -s https://example.com/b.tgz | tar xz -C /b && make -C /b\nRUN rm -rf /b\nCOPY b /b\nRUN /b/run.sh\nRUN curl -s https://example.com/c.tgz | tar xz -C /c && rm -rf /c/*\nCOPY --from=x /c /c\nRUN /c/run.sh\nRUN curl -o /d/d.sh https://example.com/d && find /d -name '*.sh' -exec rm -f {} +\nCOPY . /d\nRUN /d/d.sh\n",
    ),
    FileExample::bad(
        "files that commands write of others, and of the output of a command",
        "FROM debian:12\nWORKDIR /w\nRUN curl -O https://example.com/a.deb && for f in *.deb; do dpkg -i \"$f\"; done\nRUN curl -o b.sh https://example.com/b && ls *.sh | while read -r s; do bash \"$s\"; done\nRUN curl -o c.sh https://example.com/c && cat c.sh > d.sh && sh d.sh\nRUN curl -o e.gz https://example.com/e && gunzip -c e.gz > /usr/local/bin/e && e\nRUN curl -o f.7z https://example.com/f && 7z x f.7z -o/opt/f && /opt/f/run\nRUN curl -o g.rpm https://example.com/g && rpm2cpio g.rpm | cpio -idm && ./usr/bin/g\nRUN php -r \"copy('https://example.com/h', 'h.php');\" && php h.php\nRUN python3 -c \"import urllib.request as u; u.urlretrieve('https://example.com/i', '/i.sh')\" && sh /i.sh\nRUN curl https://example.com/j | install -m 755 /dev/stdin /usr/bin/j && j\nRUN echo \"$(curl -s https://example.com/k)\" > k.sh && sh k.sh\nRUN s=$(curl -s https://example.com/l); eval \"$s\"\nRUN s=\"$(wget -qO- https://example.com/m)\" && echo \"$s\" | bash\nRUN curl -o /opt/n/n https://example.com/n && export PATH=/opt/n:$PATH && n\nRUN curl -o o https://example.com/o && chmod +x o && xvfb-run -a ./o\nRUN curl -o p.deb https://example.com/p && dpkg -i $(find . -name '*.deb')\nRUN curl -o q.deb https://example.com/q && dpkg-deb -x q.deb /q && /q/usr/bin/q\nRUN curl -o r.tgz https://example.com/r && tar xz -C /r < r.tgz && sh /r/install.sh\nRUN curl -o t.tgz https://example.com/t && cat t.tgz | tar xz -C /t && sh /t/install.sh\nRUN curl -o u.sh https://example.com/u && tr -d '\\r' < u.sh | tee v.sh && sh v.sh\nRUN curl -o x.deb https://example.com/x && ar x x.deb && tar xf data.tar.xz -C /x && /x/run\n",
        &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22],
    ),
    FileExample::good(
        "files that only look as if they ran",
        "FROM debian:12\nWORKDIR /w\nRUN curl -O https://example.com/a.deb && sha256sum -c a.sum && for f in *.deb; do dpkg -i \"$f\"; done\nRUN set -e; for f in *.deb; do curl -O https://example.com/$f; gpg --verify $f.asc $f; dpkg -i $f; done\nRUN v=$(curl -s https://example.com/version); echo \"$v\"; apt-get install -y a=$v; make VERSION=$v\nRUN curl -o c.json https://example.com/c && sed 's/a/b/' c.json > d.json && python3 own.py d.json\nRUN php -r \"copy('https://example.com/h', 'h.php');\" && php -r \"if (hash_file('sha384', 'h.php') === 'abc') { echo 1; }\" && php h.php\nRUN curl -o i.sh https://example.com/i && bash own.sh \"$(cat i.sh)\" && java -cp own.jar Main i.sh\nRUN find / -name '*.sh' -exec chmod +x {} + && find /usr -name '*.py' | xargs -r rm\nRUN curl -o j.deb https://example.com/j && ls | xargs echo && find . -name '*.deb' -exec ls -l {} +\nRUN apt-mark showmanual | xargs apt-get install -y && cat list | xargs pip install\nRUN curl -o k.sh https://example.com/k && rm -f *.sh\nCOPY k.sh .\nRUN ls *.sh | xargs -n1 sh\nRUN find / -xdev -type f -perm /6000 -exec chmod a-s {} \\;\nRUN pip install -r requirements.txt -c https://example.com/c.txt --index-url https://example.com/simple a\nRUN pip install https://example.com/a.whl#sha256=abc && pip install git+https://github.com/a/b@1\nRUN curl -o /usr/share/x.gpg https://example.com/x && install -d /opt/x && cp /usr/share/x.gpg /etc/apt/keyrings/\n",
    ),
    FileExample::bad(
        "files that run or are unpacked in other ways, and what the image loads when it starts",
        "FROM debian:12\nWORKDIR /w\nRUN curl -o a.sh https://example.com/a && bash -c \"$(< a.sh)\"\nRUN curl -s https://example.com/b.tgz | tar xz && mv b-*/ /opt/b && /opt/b/run\nRUN curl -o /usr/local/bin/c https://example.com/c && ln -s c /usr/local/bin/cc && cc\nRUN curl -o d.sh https://example.com/d && cd / && nohup sh w/d.sh &\nRUN curl -Lo /tmp/e.tar.gz https://example.com/e && tar -C /opt/ee -xf /tmp/e.tar.gz && ln -s /opt/ee/x/bin/e /usr/bin/e && e\nRUN curl -o f.zip https://example.com/f && unzip f.zip && chmod +x ./f/tool && ./f/tool\nRUN busybox wget -O g.sh https://example.com/g; sh -- g.sh\nRUN curl -o h.sh https://example.com/h && python3 - < h.sh\nRUN curl -o i.deb https://example.com/i && apt-get install -y \"$PWD/i.deb\"\nFROM debian:12\nCMD curl -s https://example.com/j | sh\nFROM debian:12\nCOPY run.sh /run.sh\nENTRYPOINT [\"/bin/sh\",\"-c\",\"wget -O /t https://example.com/t && chmod +x /t && /t\"]\nHEALTHCHECK CMD curl -f http://localhost:80/ | sh\n",
        &[3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 16],
    ),
    FileExample::bad(
        "what is not removed, failures that count for nothing, and variables in quotes",
        "FROM debian:12\nWORKDIR /w\nRUN curl -o a.sh https://example.com/a; rm -f \"\"; rm -rf . || true; sh a.sh\nRUN curl -o dl/b.sh https://example.com/b; rm dl || true; sh dl/b.sh\nRUN check() { sha256sum -c \"$1.sum\"; }; curl -o c.sh https://example.com/c; check c.sh || true; sh c.sh\nENV PATH=\"/opt/d:${PATH}\"\nRUN curl -o /opt/d/d https://example.com/d && d\nENV URL=\"https://example.com/$V.whl\"\nRUN pip install \"a @ $URL\" $URL\nRUN npm install @a/b@https://example.com/b.tgz\n",
        &[3, 4, 5, 7, 9, 10],
    ),
    FileExample::bad(
        "programs of other interpreters, and in other places of their words",
        "FROM debian:12\nWORKDIR /w\nRUN curl -o a.jar https://example.com/a && java -cp a.jar Main\nRUN curl -o lib/b.jar https://example.com/b && java -classpath \"x.jar:lib/*\" Main\nRUN curl -o c.py https://example.com/c && python3 -W ignore c.py\nRUN curl -o d.js https://example.com/d && node -r ./d.js app.js\nRUN curl -o e.pl https://example.com/e && perl -I lib e.pl\nRUN curl -o f.rb https://example.com/f && ruby -r json f.rb\nRUN curl -o g.php https://example.com/g && php -d a=b g.php\nRUN curl -o h.sh https://example.com/h && bash < h.sh\nRUN curl -o i.lua https://example.com/i && lua5.4 i.lua\nRUN curl -o j.R https://example.com/j && Rscript j.R\nRUN curl -o k.ts https://example.com/k && deno run -A k.ts\nRUN curl -o l.sh https://example.com/l && eval \"$(cat l.sh)\"\nRUN curl -o m.sh https://example.com/m && bash -c \"$(cat m.sh)\"\nRUN curl -o n.jar https://example.com/n && java -javaagent:n.jar -jar own.jar\nRUN curl -o o.dll https://example.com/o && dotnet o.dll\nRUN curl -o p.php https://example.com/p && php -f p.php\n",
        &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
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
    FileExample::good(
        "scripts that a shell reads and does not run",
        "FROM debian:12\nRUN curl -o a.sh https://example.com/a && bash -n a.sh && sh -nv a.sh && /bin/zsh -n ./a.sh && bash -o pipefail -o noexec a.sh\nRUN curl https://example.com/b | bash -n\nRUN echo 'curl https://example.com/c | sh' > c.sh && bash -n c.sh\n",
    ),
    FileExample::bad(
        "scripts that a shell also runs",
        "FROM debian:12\nRUN curl -o a.sh https://example.com/a && bash -n a.sh && bash a.sh\nRUN curl -o b.sh https://example.com/b && bash --norc b.sh\nRUN curl -o c.sh https://example.com/c && bash -eu c.sh -n\n",
        &[2, 3, 4],
    ),
];
