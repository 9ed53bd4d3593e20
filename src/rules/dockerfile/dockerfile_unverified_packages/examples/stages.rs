//! Files of other stages and caches, and what the image starts.

use crate::rule::FileExample;

pub const EXAMPLES: &[FileExample] = &[
    FileExample::bad(
        "what the image starts",
        "FROM debian:12 AS load\nWORKDIR /src\nADD https://example.com/a.jar .\nRUN curl -o tool https://example.com/tool && chmod +x tool && mkdir lib && curl -o lib/b.py https://example.com/b\nFROM debian:12\nWORKDIR /app\nCOPY --from=load /src/a.jar /src/tool ./\nENTRYPOINT [\"java\", \"-jar\"]\nCMD [\"a.jar\"]\nFROM debian:12\nCOPY --from=0 /src/tool /usr/local/bin/app\nENTRYPOINT [\"/entrypoint.sh\"]\nCMD [\"app\", \"serve\"]\nFROM debian:12\nCOPY --from=load /src /srv\nCMD cd /srv/lib && exec python3 b.py\n",
        &[8, 13, 16],
    ),
    FileExample::bad(
        "what the stages start that a build makes",
        "FROM debian:12 AS build\nRUN curl -o /a.sh https://example.com/a\nCMD [\"/a.sh\"]\nFROM debian:12 AS dev\nRUN curl -o /b.sh https://example.com/b\nCMD [\"/b.sh\"]\nFROM debian:12 AS base\nRUN curl -o /c.sh https://example.com/c\nENTRYPOINT [\"/c.sh\"]\nFROM debian:12 AS tool\nRUN curl -o /d.sh https://example.com/d\nHEALTHCHECK CMD /d.sh\nFROM base\nCOPY --from=build /x /x\nRUN --mount=from=tool,target=/t ls /t\n",
        &[6, 9],
    ),
    FileExample::bad(
        "the check of the health of the image",
        "FROM debian:12\nWORKDIR /w\nRUN curl -o /usr/local/bin/probe https://example.com/p\nHEALTHCHECK --interval=5s CMD [\"probe\", \"--all\"]\nFROM debian:12\nRUN curl -o /probe https://example.com/p\nHEALTHCHECK CMD /probe || exit 1\nHEALTHCHECK NONE\n",
        &[4],
    ),
    FileExample::bad(
        "files of another stage, by a mount",
        "FROM debian:12 AS load\nWORKDIR /dl\nRUN curl -o a.deb https://example.com/a && curl -o b/b.sh https://example.com/b && curl -O https://example.com/c.whl\nRUN curl -s https://example.com/d.tgz | tar xz -C /opt/d\nFROM debian:12\nRUN --mount=type=bind,from=load,source=/dl,target=/mnt dpkg -i /mnt/a.deb\nRUN --mount=from=load,src=/dl/b/b.sh,dst=/tmp/b.sh sh /tmp/b.sh\nRUN --mount=type=bind,from=0,target=/load cp /load/dl/a.deb /a.deb && apt-get install -y /a.deb\nRUN --mount=from=load,source=dl,target=/wheels pip install /wheels/*.whl\nRUN --mount=type=bind,from=load,target=/load /load/opt/d/install.sh\nRUN --mount=type=bind,from=load,source=/opt/d/bin,target=/d /d/tool\nWORKDIR /w\nRUN --mount=type=bind,from=load,source=/dl,target=. sh b/b.sh\nRUN sh b/b.sh\nRUN --mount=type=bind,source=own,target=/mnt dpkg -i /mnt/a.deb\n",
        &[6, 7, 8, 9, 10, 11, 13],
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
    FileExample::good(
        "files of a folder that is lost with the command",
        "FROM debian:12\nRUN --mount=type=tmpfs,target=/t curl -o /t/a.sh https://example.com/a\nCOPY . /t\nRUN sh /t/a.sh\nRUN --mount=type=tmpfs,target=/u curl -o /u/b.sh https://example.com/b\nRUN sh /u/b.sh\nRUN curl -o /v/c.sh https://example.com/c\nRUN --mount=type=tmpfs,target=/v sh /v/c.sh\n",
    ),
    FileExample::bad(
        "files of such a folder that run before, or that are kept",
        "FROM debian:12\nRUN --mount=type=tmpfs,target=/t curl -o /t/a.sh https://example.com/a && sh /t/a.sh\nRUN --mount=type=tmpfs,target=/u curl -o /u/b.sh https://example.com/b && cp /u/b.sh /c.sh\nRUN sh /c.sh\nRUN curl -o /v/d.sh https://example.com/d\nRUN --mount=type=tmpfs,target=/v ls\nRUN sh /v/d.sh\n",
        &[2, 4, 7],
    ),
];
