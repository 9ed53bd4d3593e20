//! Scripts that run as they arrive.

use crate::rule::FileExample;

pub const EXAMPLES: &[FileExample] = &[
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
        "programs that run as they arrive",
        "FROM debian:12\nRUN python3 -c \"$(wget -qO- https://example.com/a.py)\"\nRUN perl <(curl -s https://example.com/a.pl)\nRUN bash <<< \"$(curl -s https://example.com/a.sh)\"\nRUN . /dev/stdin <<< \"$(curl -s https://example.com/a.sh)\"\n",
        &[2, 3, 4, 5],
    ),
    FileExample::bad(
        "another URL than the allowed one",
        "FROM debian:12\nRUN curl https://sh.rustup.rs.example.com | sh\n",
        &[2],
    )
    .params(r#"{"allow":["https://sh.rustup.rs"]}"#),
    FileExample::good(
        "an allowed URL",
        "FROM debian:12\nRUN curl --proto '=https' -sSf https://sh.rustup.rs | sh -s -- -y\nRUN curl -o a.sh https://sh.rustup.rs && sh a.sh\n",
    )
    .params(r#"{"allow":["https://sh.rustup.rs"]}"#),
    FileExample::good(
        "checked",
        "FROM debian:12\nRUN curl -fsSLO https://example.com/a.sh && echo \"$SUM a.sh\" | sha256sum -c && sh a.sh\nRUN apt-get update && apt-get install -y --no-install-recommends curl\nRUN pip install --require-hashes -r requirements.txt\nRUN curl -s https://example.com/a.tgz | tar xz\nRUN curl https://example.com/key | gpg --dearmor > /k && curl https://example.com/a.json | python3 -m json.tool\nRUN python3 -c 'import sys' \"$(curl https://example.com/a.json)\" && python3 a.py <<< \"$(curl https://example.com/a.json)\"\n",
    ),
];
