//! What counts as a check, and what does not.

use crate::rule::FileExample;

pub const EXAMPLES: &[FileExample] = &[
    FileExample::good(
        "files that are checked before they run",
        "FROM debian:12\nRUN curl -o a.sh https://example.com/a && echo \"$SUM  a.sh\" | sha256sum -c - && sh a.sh\nRUN wget https://example.com/b https://example.com/SUMS && grep b SUMS | shasum -a 256 -c && sh b\nRUN curl -LO https://example.com/c && gpg --verify c.asc && chmod +x c && mv c /usr/bin/ && c\nRUN curl -o /d https://example.com/d && cosign verify-blob --key k.pub --signature d.sig /d && sh /d\nRUN curl -o e https://example.com/e && [ \"$(sha256sum e | cut -d' ' -f1)\" = \"$SUM\" ] && sh e\nRUN set -e; curl -o f https://example.com/f; sha256sum f | grep -q $SUM; sh f\nRUN f=g && curl -o \"$f\" https://example.com/g && sha256sum -c <<< \"$SUM $f\" && sh \"$f\"\nADD --checksum=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa https://example.com/h /h.sh\nRUN sh /h.sh\nRUN curl -o i https://example.com/i && cksum -a sha256 -c i.sum && sh i\nRUN curl -o j https://example.com/j && openssl sha256 j | grep $SUM && sh j\nRUN curl -o k.php https://example.com/k && php -r \"if (hash_file('sha384', 'k.php') !== '$SUM') { exit(1); }\" && php k.php\nRUN curl -o l.py https://example.com/l && python3 -c \"import hashlib; assert hashlib.sha256(open('l.py','rb').read()).hexdigest() == '$SUM'\" && python3 l.py\n",
    ),
    FileExample::bad(
        "a check of another file, or one that comes too late",
        "FROM debian:12\nRUN curl -o a.sh https://example.com/a && echo \"$SUM b.sh\" | sha256sum -c && sh a.sh && echo \"$SUM a.sh\" | sha256sum -c\nRUN curl -o c https://example.com/c && gpg --verify d.asc d && chmod +x c && ./c\nRUN curl -o e https://example.com/e && sha256sum -c e.sum && curl -o e https://example.com/e2 && sh e\nRUN sha256sum f && curl -o f https://example.com/f && sh f\nRUN curl -o g https://example.com/g; sha256sum -c g.sum || true; sh g\nRUN curl -o h https://example.com/h; sha256sum h | grep $SUM || :; sh h\n",
        &[2, 3, 4, 5, 6, 7],
    ),
    FileExample::good(
        "checks in functions",
        "FROM debian:12\nWORKDIR /w\nRUN set -e; check() { echo \"$2  $1\" | sha256sum -c -; }; \\\n  curl -o a.sh https://example.com/a; check a.sh abc; sh a.sh\nRUN set -eux; verify() { \\\n      local file=\"$1\"; \\\n      gpg --batch --verify \"$file.asc\" \"$file\"; \\\n    }; \\\n    curl -O https://example.com/b.sh; verify b.sh && sh b.sh\nRUN set -o errexit; function load { curl -o \"$1\" \"https://example.com/$1\"; gpgv k.gpg \"$1.sig\" \"$1\"; }; load c.sh; sh c.sh\nRUN <<EOF\n#!/bin/sh -e\nfetch() {\n  wget -O \"$1\" \"$2\"\n  echo \"$3 $1\" | sha256sum --check\n}\nfetch /d https://example.com/d abc\n/d\nEOF\nRUN bash -euo pipefail -c 'c() { cosign verify-blob --key k.pub --signature \"$1.sig\" \"$1\"; }; curl -o e https://example.com/e; c e; sh e'\n",
    ),
    FileExample::bad(
        "functions that check another file, or too late",
        "FROM debian:12\nWORKDIR /w\nRUN check() { gpg --verify \"$1.asc\" \"$1\"; }; curl -o a.sh https://example.com/a; curl -o b.sh https://example.com/b; check a.sh; sh b.sh\nRUN load() { curl -o \"$1\" \"https://example.com/$1\"; chmod +x \"$1\"; }; load c.sh; ./c.sh\nRUN run() { sh \"$1\"; }; curl -o d.sh https://example.com/d; run d.sh\nRUN check() { sha256sum -c e.sum; }; curl -o e.sh https://example.com/e; sh e.sh; check\n",
        &[3, 4, 5, 6],
    ),
    FileExample::bad(
        "failures that count for nothing, as a text follows",
        "FROM debian:12\nRUN curl -o a.sh https://example.com/a; sha256sum -c a.sum || echo bad; sh a.sh\nRUN curl -o b.sh https://example.com/b; sha256sum -c b.sum || { echo bad >&2; printf worse; }; sh b.sh\nRUN curl -o c.sh https://example.com/c; (echo \"$SUM c.sh\" | sha256sum -c) || (echo bad); sh c.sh\nRUN curl -o d.sh https://example.com/d; { gpg --verify d.sh.asc || { echo bad || true; }; }; sh d.sh\n",
        &[2, 3, 4, 5],
    ),
    FileExample::good(
        "failures that end the build after a text",
        "FROM debian:12\nRUN curl -o a.sh https://example.com/a; sha256sum -c a.sum || { echo bad; exit 1; }; sh a.sh\nRUN curl -o b.sh https://example.com/b; sha256sum -c b.sum || { echo bad; exit 1; }; sh b.sh\nRUN curl -o c.sh https://example.com/c; sha256sum -c c.sum || sha512sum -c c.sum || exit 1; sh c.sh\nRUN fail() { echo \"$1\"; exit 1; }; curl -o d.sh https://example.com/d; sha256sum -c d.sum || fail bad; sh d.sh\nRUN set -e; curl -o e.sh https://example.com/e; sha256sum -c e.sum || (echo bad && false); sh e.sh\n",
    ),
    FileExample::good(
        "a checksum that the downloader itself compares",
        "FROM debian:12\nWORKDIR /w\nRUN aria2c --checksum=sha-256=abc -o a.sh https://example.com/a && sh a.sh\nHEALTHCHECK CMD curl -f https://example.com/ | grep ok || exit 1\n",
    ),
    FileExample::good(
        "outcomes that a test reads",
        "FROM debian:12\nRUN curl -o a.sh https://example.com/a && [ -z \"$(sha256sum -c a.sum || echo bad)\" ] && sh a.sh\nRUN curl -o b.sh https://example.com/b; if [ -n \"$(sha256sum --status -c b.sum || echo bad)\" ]; then exit 1; fi; sh b.sh\nRUN curl -o c.sh https://example.com/c; x=$(sha256sum -c c.sum || echo bad); [ -z \"$x\" ] || exit 1; sh c.sh\nRUN set -e; curl -o d.sh https://example.com/d; test \"$(gpg --verify d.sh.asc d.sh || echo bad)\" != bad; sh d.sh\nRUN set -e; curl -o e.sh https://example.com/e; test \"`sha256sum -c e.sum || echo bad`\" = \"\"; sh e.sh\nRUN check() { gpg --verify \"$1.asc\" \"$1\"; }; curl -o f.sh https://example.com/f; [ -z \"$(check f.sh || echo bad)\" ] && sh f.sh\n",
    ),
    FileExample::bad(
        "outcomes that nothing reads",
        "FROM debian:12\nRUN curl -o a.sh https://example.com/a; echo \"$(sha256sum -c a.sum || echo bad)\"; sh a.sh\nRUN curl -o b.sh https://example.com/b; x=$(sha256sum -c b.sum || echo bad); echo $x; sh b.sh\nRUN curl -o c.sh https://example.com/c; [ -z \"$(sha256sum -c - <<< \"$SUM other.sh\" || echo bad)\" ]; sh c.sh\n",
        &[2, 3, 4],
    ),
    FileExample::good(
        "outcomes that case reads",
        "FROM debian:12\nRUN curl -o a.sh https://example.com/a; case \"$(sha256sum a.sh)\" in abc*) ;; *) exit 1;; esac; sh a.sh\nRUN curl -o b.sh https://example.com/b; case \"$(sha256sum -c b.sum || echo bad)\" in *OK) sh b.sh ;; *) exit 1;; esac\nRUN curl -o c.sh https://example.com/c && ( case \"$(sha256sum -c c.sum)\" in \\\n  *OK) : ;; esac ) && sh c.sh\n",
    ),
    FileExample::bad(
        "what case runs, and what it does not compare",
        "FROM debian:12\nRUN curl -o a.sh https://example.com/a; case \"$(sha256sum own.sh)\" in abc*) ;; *) exit 1;; esac; sh a.sh\nRUN case \"$(curl https://example.com/b | sh)\" in a) ;; esac\n",
        &[2, 3],
    ),
    FileExample::bad(
        "releases that gh loads, and none that is allowed",
        "FROM debian:12\nRUN gh release download v1 -R a/b -p a.sh -O - | sh\nRUN gh release download --repo=a/c v1 --output - | sh\nRUN gh release download -p c.sh -O - | sh\nRUN gh release download -R ghe.example.com/a/b v1 -O - | sh\n",
        &[3, 4, 5],
    )
    .params(r#"{"allow":["https://github.com/a/b/releases/download/v1"]}"#),
    FileExample::good(
        "a lock of deno",
        "FROM denoland/deno:2.0.0\nRUN deno run --lock=deno.lock -A https://example.com/a.ts\nRUN deno run -A --lock=deno.lock --frozen https://example.com/b.ts\nRUN deno install --lock=deno.lock -n c https://example.com/c.ts\n",
    ),
    FileExample::bad(
        "a lock of deno that is written, or that is not read",
        "FROM denoland/deno:2.0.0\nRUN deno run --lock=deno.lock --lock-write https://example.com/a.ts\nRUN deno run --no-lock https://example.com/b.ts\nRUN deno run https://example.com/c.ts --lock=deno.lock\n",
        &[2, 3, 4],
    ),
    FileExample::bad(
        "checks whose failure the next command does not see",
        "FROM debian:12\nRUN curl -LO https://example.com/a.sh; sha256sum -c a.sum; sh a.sh\nRUN curl -LO https://example.com/b.sh && sha256sum -c b.sum; sh b.sh\nRUN curl -LO https://example.com/c.sh; gpg --verify c.sh.asc c.sh; sh c.sh\nRUN curl -LO https://example.com/d.sh && sha256sum -c d.sum | tee log && sh d.sh\nRUN <<EOF\ncurl -LO https://example.com/e.sh\nsha256sum -c e.sum\nsh e.sh\nEOF\nRUN curl -LO https://example.com/f.sh && sha256sum f.sh > f.sum && sha256sum -c f.sum && sh f.sh\nRUN set -e; set +e; curl -LO https://example.com/g.sh; [ \"$(sha256sum g.sh)\" = \"$SUM g.sh\" ]; sh g.sh\nRUN check() { sha256sum -c h.sum; }; curl -LO https://example.com/h.sh; check; sh h.sh\n",
        &[2, 3, 4, 5, 9, 11, 12, 13],
    ),
    FileExample::good(
        "checks that end the step",
        "FROM debian:12\nRUN set -e; curl -LO https://example.com/a.sh; sha256sum -c a.sum; sh a.sh\nRUN set -eux -o pipefail; curl -LO https://example.com/b.sh; sha256sum -c b.sum | tee log; sh b.sh\nRUN if ! curl -LO https://example.com/c.sh; then exit 1; fi; if ! sha256sum -c c.sum; then exit 1; fi; sh c.sh\nRUN check() { sha256sum -c d.sum || exit 1; }; curl -LO https://example.com/d.sh; check; sh d.sh\nRUN curl -LO https://example.com/e.sh; while ! sha256sum -c e.sum; do curl -LO https://example.com/e.sh; done; sha256sum -c e.sum && sh e.sh\nRUN curl -LO https://example.com/f.sh; sha256sum -c f.sum\nRUN sh f.sh\nRUN case x in x) curl -LO https://example.com/g.sh && sha256sum -c g.sum ;; y) exit 1 ;; esac && sh g.sh\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-ec\"]\nRUN curl -LO https://example.com/h.sh; sha256sum -c h.sum; sh h.sh\nRUN curl -LO https://example.com/i.sh; bash -e <<EOF\nsha256sum -c i.sum\nsh i.sh\nEOF\n",
    ),
    FileExample::bad(
        "checks that count for their list alone, or not at all",
        "FROM debian:12\nRUN curl -LO https://example.com/a.sh; sha256sum -c a.sum && echo ok; sh a.sh\nRUN set -e; curl -LO https://example.com/a.sh; sha256sum -c a.sum && echo ok; sh a.sh\nRUN set -ex; curl -LO https://example.com/a.sh; [ \"$(sha256sum a.sh | cut -c1-64)\" = abc ] && echo verified; bash a.sh\nRUN curl -LO https://example.com/a.sh; (cd /; sha256sum -c a.sum); sh a.sh\nRUN curl -LO https://example.com/a.sh; if sha256sum -c a.sum; then echo ok; fi; sh a.sh\nRUN set -e; curl -LO https://example.com/a.sh; if sha256sum -c a.sum; then echo ok; else echo bad; fi; sh a.sh\nRUN curl -LO https://example.com/a.sh && if [ \"$(sha256sum a.sh | cut -c1-64)\" != abc ]; then echo mismatch >&2; fi && sh a.sh\nRUN curl -LO https://example.com/a.sh; sha256sum -c a.sum || (echo bad; exit 1); sh a.sh\nRUN curl -LO https://example.com/a.sh; sha256sum -c a.sum || false; sh a.sh\nRUN curl -LO https://example.com/a.sh && sha256sum -c a.sum && echo ok || echo bad; sh a.sh\nRUN curl -LO https://example.com/a.sh; for i in 1 2; do sha256sum -c a.sum && break; done; sh a.sh\nRUN (set -e; cd /tmp); curl -LO https://example.com/a.sh; sha256sum -c a.sum; sh a.sh\nRUN curl -LO https://example.com/a.sh && sha256sum a.sh | tee a.sum && sha256sum -c a.sum && sh a.sh\nRUN curl -LO https://example.com/a.sh && sha256sum a.sh > a.sum && cat a.sum | sha256sum -c && sh a.sh\nRUN curl -LO https://example.com/a.sh && sha256sum a.sh > a.sum && sha256sum -c < a.sum && sh a.sh\nRUN curl -LO https://example.com/a.sh && sha256sum a.sh | sha256sum -c && sh a.sh\nRUN curl -LO https://example.com/a.sh && sha256sum * > SUMS && sha256sum -c SUMS && sh a.sh\nRUN curl -LO https://example.com/a.sh; sha256sum a.sh; case \"$ARCH\" in x) ;; esac; sh a.sh\n",
        &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
    ),
    FileExample::good(
        "checks whose failure is seen later, and options of shells",
        "FROM debian:12\nRUN curl -LO https://example.com/a.sh; sha256sum -c a.sum; if [ $? -ne 0 ]; then exit 1; fi; sh a.sh\nRUN curl -LO https://example.com/a.sh; sha256sum -c a.sum; [ $? -eq 0 ] || exit 1; sh a.sh\nRUN curl -LO https://example.com/a.sh; sha256sum -c a.sum; rc=$?; if [ \"$rc\" != 0 ]; then exit $rc; fi; sh a.sh\nRUN curl -LO https://example.com/a.sh; sha256sum -c a.sum; test $? = 0 && sh a.sh\nRUN set -eou pipefail; curl -LO https://example.com/a.sh; sha256sum -c a.sum | tee l; sh a.sh\nRUN trap \"exit 1\" ERR; curl -LO https://example.com/a.sh; sha256sum -c a.sum; sh a.sh\nRUN command set -e; curl -LO https://example.com/a.sh; sha256sum -c a.sum; sh a.sh\nRUN curl -LO https://example.com/a.sh && sha256sum a.sh > a.sum && gpg --verify a.sum.asc a.sum && sha256sum -c a.sum && sh a.sh\nRUN curl -LO https://example.com/a.sh; sha256sum -c a.sum && sh a.sh; echo done\nRUN curl -LO https://example.com/a.sh; sha256sum -c a.sum && chmod +x a.sh && ./a.sh || exit 1\nRUN curl -LO https://example.com/a.sh; if sha256sum -c a.sum; then sh a.sh; fi\nRUN curl -LO https://example.com/a.sh; if ! sha256sum -c a.sum; then die bad; fi; sh a.sh\nRUN set -e; { curl -LO https://example.com/a.sh; sha256sum -c a.sum; }; (cd /; curl -LO https://example.com/a.sh); sha256sum -c a.sum; sh a.sh\nRUN set -e; c() { sha256sum -c a.sum; }; curl -LO https://example.com/a.sh; c; sh a.sh\nCOPY <<EOF /b.sh\ncurl -LO https://example.com/b.sh\nsha256sum -c b.sum\nsh b.sh\nEOF\nRUN sh -e /b.sh\nSHELL [\"/usr/bin/env\", \"bash\", \"-O\", \"extglob\", \"-eou\", \"pipefail\", \"-c\"]\nRUN curl -LO https://example.com/a.sh; sha256sum -c a.sum | tee l; sh a.sh\n",
    ),
];
