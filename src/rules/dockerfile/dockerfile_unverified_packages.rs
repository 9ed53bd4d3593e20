//! Downloads and packages whose origin no program checks.

mod files;

use crate::dockerfile::{Base, Dockerfile, Instruction, Keyword, Run};
use crate::rule::{
    FileCheck, FileExample, FileFindings, FileRule, Finding, Judges, Rule, Severity, compile_file, params,
};
use crate::rules::unverified::{Downloads, accepted, options, scripts};
use schemars::JsonSchema;
use serde::Deserialize;
use std::ops::Range;

pub static RULE: Rule = Rule {
    id: "dockerfile-unverified-packages",
    title: "Builds check where packages and scripts come from",
    docs: "The rule finds options that accept any certificate or signature (`curl -k`, `wget --no-check-certificate`, \
`apt-get --allow-unauthenticated`, `yum --nogpgcheck`, `apk --allow-untrusted`, `pip --trusted-host`), settings that do the same \
(`[trusted=yes]`, `gpgcheck=0`, `strict-ssl false`, `GIT_SSL_NO_VERIFY`), and scripts that run as they arrive: `curl ... | sh`, \
`bash <(curl ...)`, `sh -c \"$(curl ...)\"`, `python3 -c \"exec(urlopen(...))\"`. A file that `curl`, `wget` or `ADD` loads must be checked before it runs, by `sha256sum -c`, \
`gpg --verify`, `cosign verify-blob` or the like, or by `ADD --checksum`; the rule follows it through `cd`, `mv` and `cp`, through later \
instructions of the stage and `COPY --from`, up to `ENTRYPOINT` and `CMD`. The same holds for an archive that `tar` or `unzip` unpacks, and a \
program or script of its folder.\n\n\
A package that was loaded as a file, or that rpm or dnf load from an address, has no signature that is verified: `dpkg -i`, \
`apt-get install ./a.deb`, `rpm -i`, `dnf install https://...`. Check the file first, or let dnf verify it with \
`--setopt=localpkg_gpgcheck=1` and the key of its publisher.\n\n\
It reads all forms of `RUN`, here-documents and scripts in scripts included, and `ENV` and `ARG`. Downloads from `localhost` pass. \
It does not see what `make`, `pip` or `npm` run of such a folder, what else is in a folder of the system (`/usr/local`) into which a whole archive \
is unpacked, or what `pip install https://...` loads. `allow` names beginnings of URLs from which a script may run as it arrives.",
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
                "FROM debian:12\nRUN curl -o a.tgz https://example.com/a && tar xzf a.tgz && cp a/b.txt /c\nRUN curl -o b.json https://example.com/b && python3 -m json.tool b.json && sh c.sh\nRUN wget -O d.sh http://localhost:8000/d.sh && sh d.sh\nRUN curl -o e.sh https://example.com/e && rm e.sh\nCOPY e.sh .\nRUN sh e.sh\nRUN sh f.sh && curl -o f.sh https://example.com/f\n",
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
        let mut runs = file.runs().into_iter().peekable();
        let mut stages: Vec<Downloads> = Vec::new();
        for stage in &file.stages {
            // A stage has the files of the one that it begins with.
            let mut downloads = match stage.base {
                Base::Stage(below) => stages.get(below).cloned().unwrap_or_default(),
                Base::Image(_) | Base::Scratch => Downloads::default(),
            };
            if stage.base == Base::Scratch {
                downloads.begin_at("/");
            }
            for instruction in file.instructions.get(stage.instructions.clone()).unwrap_or_default() {
                if let Some((_, run)) = runs.next_if(|(runs, _)| std::ptr::eq(*runs, instruction)) {
                    self.run(&run, &mut downloads, &mut faults);
                }
                files::follow(file, instruction, &stages, &mut downloads, &self.allow);
            }
            files::started(file, stage, &mut downloads, &mut |span, (found, wanted)| {
                faults.push(Fault { span, found, wanted });
            });
            stages.push(downloads);
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

impl DockerfileUnverifiedPackages {
    fn run(&self, run: &Run, downloads: &mut Downloads, faults: &mut Vec<Fault>) {
        downloads.begin();
        run.calls(&mut |call| {
            for (word, found, wanted) in accepted(call) {
                faults.push(Fault { span: run.span(call.span(word)), found, wanted });
            }
            if let Some(piece) = &call.command.input
                && let Some((at, found)) = options::setting(&piece.text)
            {
                let start = piece.start + at;
                faults.push(Fault { span: run.span(start..start + 1), found, wanted: options::SIGNED });
            }
            let arrives =
                scripts::found(call, &self.allow).map(|found| (found, "a file that is checked before it runs"));
            for (found, wanted) in arrives.into_iter().chain(downloads.follow(call, &self.allow)) {
                faults.push(Fault { span: run.span(call.place()), found, wanted });
            }
        });
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
