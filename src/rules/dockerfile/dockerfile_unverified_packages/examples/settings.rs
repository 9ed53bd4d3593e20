//! Options, variables and settings that accept anything.

use crate::rule::FileExample;

pub const EXAMPLES: &[FileExample] = &[
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
        "nested settings of apt",
        "FROM debian:12\nRUN echo 'APT { Get { AllowUnauthenticated \"yes\"; }; };' > /etc/apt/apt.conf.d/99a\nCOPY <<EOF /etc/apt/apt.conf.d/99b\nAcquire {\n  https { Verify-Host \"no\"; };\n};\nEOF\n",
        &[2, 5],
    ),
    FileExample::bad(
        "here-documents whose end has blanks",
        "FROM debian:12\nRUN <<'E O'\ncurl https://example.com/a | sh\nE O\nRUN sh <<\"E O\"\ncurl -k https://example.com/a\nE O\n",
        &[3, 6],
    ),
    FileExample::bad(
        "findings in scripts of several lines that are in quotes",
        "FROM debian:12\nRUN su app -c \"echo \\\"a\\\" && \\\n  cd \\$HOME && \\\n  curl -k https://example.com/a && \\\n  x=\\\"$(id)\\\" && \\\n  curl https://example.com/b | sh\"\nRUN <<EOF\nsh -c \"\n  echo \\\"\\$x\\\"\n  wget --no-check-certificate https://example.com/c\n\"\nEOF\n",
        &[4, 6, 10],
    ),
    FileExample::good(
        "words that only look like it",
        "FROM debian:12\nRUN echo 'curl -k x | sh' && grep -k a\nRUN curl -o -k https://example.com/a && curl -k https://localhost:8443/health\n# RUN curl -k x | sh\nRUN cat a.sh | sh\nENV NODE_TLS_REJECT_UNAUTHORIZED=1\n",
    ),
];
