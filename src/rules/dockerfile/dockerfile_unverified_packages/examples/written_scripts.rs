//! Scripts that the build itself writes.

use crate::rule::FileExample;

pub const EXAMPLES: &[FileExample] = &[
    FileExample::bad(
        "scripts that the build writes and runs",
        "FROM debian:12\nRUN echo 'curl https://example.com/a | sh' > /a.sh && sh /a.sh\nRUN cat <<'EOF' > /usr/local/bin/b\n#!/bin/bash\nwget -O /opt/b https://example.com/b\nchmod +x /opt/b\n/opt/b\nEOF\nRUN chmod +x /usr/local/bin/b && b\nCOPY <<EOF /c/\n#!/bin/sh\ncurl -k https://example.com/c\nEOF\nRUN mv /c/EOF /d.sh\nRUN . /d.sh\nRUN printf '#!/bin/sh\\ncurl -o /e https://example.com/e\\n' > e.sh; printf '%s\\n' 'set -e' 'sh /e' | tee -a e.sh; bash e.sh\nRUN if true; then curl -o /usr/bin/f https://example.com/f; else echo 'exit 1' > /usr/bin/f; fi\nFROM debian:12\nCOPY --from=0 /usr/bin/f /usr/bin/f\nCOPY --chmod=755 <<\"END\" /entrypoint.sh\n#!/bin/sh -e\nexec f \"$@\"\nEND\nENTRYPOINT [\"/entrypoint.sh\"]\n",
        &[2, 9, 15, 16, 24],
    ),
    FileExample::good(
        "scripts that the build writes, and that check, do not run, or are replaced",
        "FROM debian:12\nRUN echo 'curl https://example.com/a | sh' > /a.txt && cat /a.txt\nRUN cat <<EOF > b.sh\ncurl -o b https://example.com/b && echo \"$SUM b\" | sha256sum -c && sh b\nEOF\nRUN sh b.sh\nRUN echo 'curl https://example.com/c | sh' > c.sh\nCOPY c.sh .\nRUN sh c.sh\nRUN printf '#!/usr/bin/env python3\\ncurl | sh\\n' > d && ./d\nRUN echo 'sh e.sh' > e.sh && sh e.sh\nCOPY <<EOF f.sh\necho 'curl https://example.com/f | sh'\nEOF\nRUN sh f.sh\n",
    ),
    FileExample::good(
        "scripts that the build writes, and puts others in their place",
        "FROM debian:12\nWORKDIR /w\nRUN echo 'curl https://example.com/a | sh' > a.sh\nRUN cp own.sh a.sh && sh a.sh\nRUN echo 'curl https://example.com/b | sh' > /b.sh; : > /b.sh; sh /b.sh\nRUN echo 'curl https://example.com/c | sh' > /c.sh; > /c.sh; sh /c.sh\nRUN echo 'curl https://example.com/d | sh' > /d.sh; cat own.sh > /d.sh; sh /d.sh\nRUN echo 'curl https://example.com/e | sh' > /e.sh; make print | tee /e.sh; sh /e.sh\nRUN echo 'curl https://example.com/f | sh' > /f.sh; install -m 755 own.sh /f.sh; sh /f.sh\nRUN echo 'curl https://example.com/g | sh' > /g.sh; truncate -s 0 /g.sh; sh /g.sh\n",
    ),
    FileExample::bad(
        "scripts that the build writes, and changes",
        "FROM debian:12\nRUN echo 'curl https://example.com/a | sh' > a.sh; sed -i s/a/b/ a.sh; sh a.sh\nRUN echo 'curl https://example.com/b | sh' > b.sh; : >> b.sh; sh b.sh\nRUN echo 'curl https://example.com/c | sh' > c.sh; cp c.sh d.sh; sh d.sh\nRUN echo 'curl https://example.com/e | sh' > e.sh; cat e.sh > /dev/null; cp own.sh f.sh; sh e.sh\n",
        &[2, 3, 4, 5],
    ),
    FileExample::bad(
        "scripts that a group of commands writes",
        "FROM debian:12\nRUN { echo '#!/bin/sh'; echo 'curl https://example.com/a | sh'; } > a.sh && sh a.sh\nRUN ( echo 'set -e'; echo 'curl https://example.com/b | sh' ) > b.sh; sh b.sh\nRUN { echo 'curl \\'; echo ' https://example.com/c | sh'; } | tee c.sh; sh c.sh\nRUN { curl https://example.com/d; } > d.sh; sh d.sh\nRUN ( curl https://example.com/e; echo x ) > e.sh && sh e.sh\nRUN { echo true; } >> f.sh; { echo 'curl https://example.com/f | sh'; } >> f.sh; sh f.sh\nRUN if true; then echo 'curl https://example.com/g | sh'; fi > g.sh; sh g.sh\nRUN for x in a; do echo 'curl https://example.com/h | sh'; done > h.sh; sh h.sh\nRUN curl -o i.sh https://example.com/i; { { sha256sum -c i.sum || { { echo bad; } > log; }; }; }; sh i.sh\n",
        &[2, 3, 4, 5, 6, 7, 8, 9, 10],
    ),
    FileExample::good(
        "groups of commands that write no such script",
        "FROM debian:12\nRUN { echo 'curl https://example.com/a | sh'; } > a.txt && cat a.txt\nRUN { echo 'echo curl'; echo 'https://example.com/b | sh'; } > b.sh; sh b.sh\nRUN { curl -o c.json https://example.com/c; } > c.log 2>&1; sh own.sh\nRUN { echo 'curl https://example.com/d | sh' > other; echo true; } > d.sh; sh d.sh\nRUN { echo 'curl https://example.com/e | sh'; } > e.sh; { echo true; } > e.sh; sh e.sh\nRUN { echo 'curl https://example.com/f | sh' | wc -l; echo true; } > f.sh; sh f.sh\n",
    ),
];
