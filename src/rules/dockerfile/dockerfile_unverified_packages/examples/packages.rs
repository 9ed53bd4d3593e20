//! Packages that are loaded as files, or from an address.

use crate::rule::FileExample;

pub const EXAMPLES: &[FileExample] = &[
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
        "packages of files, by other ways to name them",
        "FROM debian:12\nRUN curl -LO https://example.com/a.deb && apt-get -t bookworm-backports install -y ./a.deb\nRUN curl -LO https://example.com/b.deb && apt-get -o Dpkg::Use-Pty=0 reinstall ./b.deb\nRUN curl -LO https://example.com/c.deb && dpkg --unpack c.deb\nRUN dnf in -y --setopt=xlocalpkg_gpgcheck=1 https://example.com/d.rpm\nRUN rpm-ostree install https://example.com/e.rpm\nRUN dnf install -y --setopt=main.localpkg_gpgcheck=True https://example.com/f.rpm\nFROM debian:12 AS load\nRUN curl -o /out/x https://example.com/x && curl -o /opt/tools/y https://example.com/y\nFROM debian:12\nCOPY --from=load /out/x /usr/local/bin\nENTRYPOINT [\"x\"]\nFROM load\nENV PATH=/opt/tools:$PATH\nCMD [\"y\"]\n",
        &[2, 3, 4, 5, 6, 12, 15],
    ),
    FileExample::good(
        "programs of another folder, and packages that the build itself made",
        "FROM debian:12\nRUN curl -o /data/bin/bash https://example.com/bash\nRUN bash -c 'ls'\nRUN echo \"deb [ trusted=yes ] file://$tempDir ./\" > /etc/apt/sources.list.d/temp.list\n",
    ),
    FileExample::bad(
        "addresses in variables, and those of pip and npm",
        "FROM fedora:42\nARG URL=https://example.com/a.rpm\nENV PIP=\"https://example.com/a.whl\"\nARG V\nENV VURL=https://example.com/a-${V}.rpm\nRUN dnf install -y $URL\nRUN rpm -i \"${URL}\"\nRUN pip install --no-cache-dir $PIP\nRUN rpm -i ${OTHER:-https://example.com/b.rpm}\nRUN yum install -y \"$VURL\"\nRUN url=\"https://example.com/$V.rpm\"; rpm -Uvh \"$url\"\nRUN python3 -m pip install 'a @ https://example.com/a.zip'\nRUN npm install -g https://example.com/a.tgz\nARG DEB=./a.deb\nRUN curl -o a.deb https://example.com/a && apt-get install -y $DEB\nARG BASE=https://example.com\nRUN wget $BASE/c.deb && dpkg -i c.deb\nRUN export U=https://example.com/x.sh && wget $U && sh x.sh\n",
        &[6, 7, 8, 9, 10, 11, 12, 13, 15, 17, 18],
    ),
    FileExample::good(
        "programs of the same name, and addresses that are no packages",
        "FROM debian:12\nWORKDIR /w\nRUN curl -s https://example.com/a.tgz | tar xz -C /tmp/a && mv /tmp/a/bash /usr/local/bin/mybash && bash -c ls\nRUN gem install a --source https://rubygems.org && npm install https://github.com/a/b.git && gem install -s https://example.com b\nRUN yarn config set registry https://example.com/ && npm install --registry https://example.com/ c\nRUN rm -f own.sh; rm -rf /w/*; curl -o d.json https://example.com/d\n",
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
        "packages of an address that programs load and run",
        "FROM debian:12\nRUN uvx https://example.com/a.whl\nRUN uvx --from https://example.com/b.whl tool\nRUN pipx run https://example.com/c.whl\nRUN pipx install https://example.com/d.whl\nRUN pnpm dlx https://example.com/e.tgz\nRUN yarn dlx -p https://example.com/f.tgz tool\nRUN bunx https://example.com/g.tgz\nRUN npx --package=https://example.com/h.tgz tool\nRUN npx -p https://example.com/i.tgz -c tool\nRUN pip install -rhttps://example.com/j.txt\nRUN uv tool run --with https://example.com/k.whl tool\nRUN npm exec --package=https://example.com/l.tgz -- tool\nRUN pipx run --spec https://example.com/m.whl tool\nRUN uv run https://example.com/n.py\nRUN bun x https://example.com/o.tgz && bun add https://example.com/p.tgz\nRUN curl -o q.whl https://example.com/q.whl && uvx --from ./q.whl q\n",
        &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 17],
    ),
    FileExample::good(
        "packages of an index that programs load and run",
        "FROM debian:12\nRUN uvx ruff@0.1 check https://example.com/x && uvx --index-url https://example.com/simple ruff\nRUN uvx --from https://example.com/a.whl#sha256=abc tool && uvx --from git+https://github.com/a/b@v1 tool\nRUN pipx run black https://example.com && pipx install --index-url https://example.com/simple black\nRUN pnpm dlx --registry=https://registry.example.com create-app https://example.com/x && yarn dlx a https://example.com/b\nRUN npx --yes --registry https://registry.example.com tool https://example.com && npx --package=a tool https://example.com/x\nRUN uv run -p 3.12 own.py https://example.com/x && uv tool run ruff https://example.com && bun x tool https://example.com\nRUN npm exec -- tool https://example.com && npx github:a/b && pip install -rrequirements.txt\n",
    ),
];
