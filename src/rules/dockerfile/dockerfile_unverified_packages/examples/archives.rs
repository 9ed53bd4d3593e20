//! What is unpacked.

use crate::rule::FileExample;

pub const EXAMPLES: &[FileExample] = &[
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
        "programs of an archive that is a release of them",
        "FROM debian:12 AS go\nRUN wget -q https://example.com/go1.22.linux-amd64.tar.gz && tar -C /usr/local -xzf go1.22.linux-amd64.tar.gz\nENV PATH=$PATH:/usr/local/go/bin\nRUN go version\nFROM debian:12\nARG V=1.9\nRUN wget -q https://example.com/terraform_${V}_linux_amd64.zip && unzip terraform_${V}_linux_amd64.zip -d /usr/local/bin && terraform version\nRUN curl -s https://example.com/node-v20.tar.gz | tar xz -C /usr/local --strip-components=1 && node -v\nRUN curl -s https://example.com/sbt-1.tgz | gunzip | tar x -C /usr/local && /usr/local/sbt/bin/sbt\nRUN wget -q https://example.com/gradle-8-bin.zip && unzip -d /opt/g gradle-8-bin.zip && ln -s /opt/g/gradle-8 /opt/g/latest\nENV PATH=/opt/g/latest/bin:$PATH\nRUN gradle build\nRUN curl -s https://example.com/openjdk-17.tgz | tar xz -C /opt/java\nENV PATH=/opt/java/bin:$PATH\nCMD [\"java\", \"-jar\", \"app.jar\"]\n",
        &[4, 7, 8, 9, 12, 15],
    ),
    FileExample::good(
        "other programs than those of the archive, and releases that are checked",
        "FROM debian:12\nRUN curl -s https://example.com/git-lfs-linux-amd64.tgz | tar xz -C /usr/local/bin && git config -l && terraform version\nRUN curl -s https://example.com/node_exporter-1.tgz | tar xz -C /usr/local && node -v\nRUN curl -O https://example.com/go1.tgz && echo \"$SUM go1.tgz\" | sha256sum -c && tar xzf go1.tgz -C /usr/local\nENV PATH=/usr/local/go/bin:$PATH\nRUN go version\nFROM golang:1.22\nRUN curl -s https://example.com/go1.tgz | tar xz -C ~ && ~/go/bin/tool\nCOPY --from=golang:1.21 /usr/local/cmake /usr/local/cmake\nRUN curl -s https://example.com/cmake.tgz | tar xz -C /usr/local && /usr/local/bin/tool && /usr/local/cmake/x && bash -c ls\n",
    ),
];
