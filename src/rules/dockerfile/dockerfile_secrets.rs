//! Passwords, tokens and keys in a Dockerfile.

mod files;

use crate::dockerfile::{Arguments, Dockerfile, Heredoc, Instruction, Keyword, Pair, Run, Word};
use crate::rule::{
    AtMost, FileCheck, FileExample, FileFindings, FileRule, Finding, Judges, Rule, Severity, compile_file, params,
};
use crate::rules::secret_commands::{Found, Names, in_file, lines, of_label};
use crate::secret_shapes::{Secret, allowed_names, is_named_secret};
use crate::shell;
use crate::text::clean;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashSet;
use std::ops::Range;

pub static RULE: Rule = Rule {
    id: "dockerfile-secrets",
    title: "Dockerfiles put no password, token or key into the image",
    docs: "Everyone who can pull an image can read its variables, its history and the files of all its layers, also those that a \
later layer deletes. The rule finds literal secrets in `ENV`, `ARG`, `LABEL`, commands (those of PowerShell, too) and here-documents, by the names of variables \
and options, by the shape of values, and by what programs read (`echo ... | docker login --password-stdin`). It also finds `ARG` named like \
a secret, because the history has its value. In a stage from which the image takes files alone, such an `ARG` is a warning: its value stays \
in the builder's cache, and in the provenance that `mode=max` attests.\n\n\
It finds `COPY` of files that contain secrets by their names (`id_rsa`, `.git-credentials`, `.docker/config.json`, `.kube/config`, \
`*.key`), and of folders (`.aws`, `.ssh`, `.kube`, `.gnupg`, `secrets/`). `.npmrc` and `.env` \
count where the image keeps them. A `*.key` that becomes a public key or a certificate by its new name (`.pub`, `.asc`, `.gpg`, `.crt`) \
or its new folder (`/etc/apt/keyrings`) is none. Nor are `*.gpg.key` and truststores, which are public.\n\n\
What is public is no secret: placeholders (`your-password`, `<password>`), values that a bundler publishes (`NEXT_PUBLIC_...`), and Java's \
`changeit` for a truststore. `changeme`, `password` and `postgres` are secrets, because people use them. A variable for one command with a \
throw-away login to `localhost` is none.\n\n\
No finding repeats a secret. `names` adds words with which the name of a secret ends. `allow` names variables, options, settings and files \
that are none, as the message has them: `CSRF_TOKEN`, `-storepass` or `storepass`, `-Dkey.password` or `key.password`, `.env`. A private key \
or a token of a service in an allowed variable is found all the same.",
    why: "whoever can pull the image, or read its history, has the secret",
    owasp: &[11],
    severity: Severity::Critical,
    params: params::<DockerfileSecrets>,
    judges: Judges::Dockerfile(FileRule {
        compile: compile_file::<DockerfileSecrets>,
        instead: "take a secret of the build from `RUN --mount=type=secret`, one of the program from a Secret in the pod, and replace \
                  the one that is in the file",
        examples: &[
            FileExample::bad(
                "in variables and labels",
                "FROM debian:12\nENV DB_PASSWORD=hunter2 PORT=80\nENV API_TOKEN hunter2\nARG CONNECTION=postgres://app:hunter2@db/app\nLABEL source=\"https://jane:hunter2@git.example.com/a\"\n",
                &[2, 3, 4, 5],
            ),
            FileExample::bad(
                "an argument of the build, and a variable made of it",
                "FROM debian:12\nARG NPM_TOKEN\nENV NPM_TOKEN=$NPM_TOKEN\n",
                &[2, 3],
            ),
            FileExample::bad(
                "in commands",
                "FROM debian:12\nRUN apt-get update \\\n && mysql -uroot -phunter2 < /init.sql\nRUN git clone https://jane:hunter2@git.example.com/a\nRUN DB_PASSWORD=hunter2 ./setup\nRUN [\"redis-cli\", \"-a\", \"hunter2\", \"ping\"]\nRUN <<EOF\necho start\ncurl -u jane:hunter2 https://example.com\nEOF\nCMD app --password=hunter2\n",
                &[3, 4, 5, 6, 9, 11],
            ),
            FileExample::bad(
                "in a here-document",
                "FROM debian:12\nCOPY <<EOF /etc/app.conf\nport = 80\npassword = \"hunter2\"\nEOF\nCOPY <<EOF /k.pem\n-----BEGIN PRIVATE KEY-----\nMHcCAQ\nEOF\n",
                &[4, 7],
            ),
            FileExample::bad(
                "files with secrets",
                "FROM debian:12 AS build\nCOPY .npmrc /src/\nCOPY id_rsa /root/.ssh/id_rsa\nADD conf/server.key certs/server.crt /etc/tls/\nFROM debian:12\nCOPY [\".env\", \"/app/\"]\nCOPY home/.kube/config /root/.kube/config\n",
                &[3, 4, 6, 7],
            ),
            FileExample::bad(
                "options and operands of programs",
                "FROM debian:12\nRUN docker login -u u -p hunter2secret r.example.com && skopeo login -phunter2 r.example.com\nRUN helm registry login -u u -p hunter2 r && oras login -p hunter2 r\nRUN twine upload -u u -p hunter2 dist/*\nRUN aws configure set aws_secret_access_key wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzzzzKEY\nRUN useradd -p hunter2 u\nRUN usermod -p '$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.' u\nRUN htpasswd -bc /etc/f admin hunter2 && htpasswd -nbB admin hunter2\nRUN useradd -p $(openssl passwd -1 -salt ab hunter2) u\nRUN npm config set //registry.example.com/:_authToken 0a1b2c3d4e5f60718293\nRUN mc alias set a https://a.example.com AKIA hunter2hunter2\nRUN echo 'hunter2\\nhunter2' | passwd root\nRUN skopeo copy --src-creds=u:hunter2 docker://a dir:b\n",
                &[2, 2, 3, 3, 4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 13],
            ),
            FileExample::bad(
                "files in which programs keep credentials",
                "FROM debian:12\nRUN echo \"machine h login b password hunter2\" > ~/.netrc\nRUN cat > /root/.netrc <<EOF\nmachine h\nlogin b password hunter2\nEOF\nCOPY <<EOF /root/.netrc\nmachine h login b password hunter2\nEOF\nCOPY <<.pgpass /root/\ndb:5432:*:app:hunter2\n.pgpass\nRUN printf 'db:5432:*:app:%s\\n' hunter2 | tee -a $HOME/.pgpass\nRUN printf '[default]\\naws_secret_access_key = %s' hunter2 >> ~/.aws/credentials\n",
                &[2, 5, 8, 11, 13, 14],
            ),
            FileExample::good(
                "options and files with variables",
                "FROM debian:12\nRUN docker login -u u -p \"$PASSWORD\" r && docker run -p 80:80 a && docker login -u u --password-stdin r\nRUN aws configure set region eu-central-1 && aws configure set aws_secret_access_key \"$KEY\"\nRUN useradd -p \"$HASH\" u && useradd -p '*' v && useradd -m -s /bin/bash -p $(openssl passwd -1 \"$P\") w\nRUN htpasswd -bc /etc/f admin \"$P\" && htpasswd -c /etc/f admin && git config --global user.name jane\nRUN git config --global credential.helper store && npm config set fund false && yarn config set network-timeout 300000\nRUN echo \"machine h login b password $P\" > ~/.netrc && echo 'db:5432:*:app:hunter2' > /etc/example\nCOPY <<EOF /root/.netrc\nmachine h login b password ${P}\nEOF\nRUN apt-get install -y docker.io git curl openssl && mkdir -p /a/b && cp -p a b\nRUN echo \"$P\" | passwd root && echo \"u:$HASH\" | chpasswd -e && helm install -f a.yaml a b && twine check dist/*\n",
            ),
            FileExample::good(
                "public keys by their new names",
                "FROM debian:12\nCOPY vendor.io-2026.key /war/vendor-key.pub\nCOPY release.key /usr/share/keyrings/vendor.gpg\nADD keys/release.key /etc/apt/keyrings/\nCOPY a.key /opt/a.asc\nCOPY tls/own.key.pem /etc/ssl/own-cert.pem\nCOPY [\"a.key\", \"b.key\", \"/etc/apk/keys/\"]\n",
            ),
            FileExample::bad(
                "private keys at places of their own",
                "FROM debian:12\nCOPY a.key /etc/tls/a.key\nCOPY b.key /war/public/\nCOPY c.key /etc/ssl/certs/\nCOPY d.p12 /d.crt\nCOPY id_rsa /root/id_rsa.pub\nCOPY e.key /usr/share/keyrings-private/e.key\nCOPY f.key /etc/ssl/private/cert-key.pem\nCOPY g.key /x/pubsub-private.pem\nCOPY h.key /root/.gnupg/secring.gpg\n",
                &[2, 3, 4, 5, 6, 7, 8, 9, 10],
            ),
            FileExample::bad(
                "keys that sign something else than releases",
                "FROM debian:12\nENV JWT_SIGNING_KEY=A62AE125BBBFBB96A6E042EC925CC1CCED3D1561\nENV SIGNING_KEY=88b57fcf7db53b4db3bfa4b1588764fbe22d19c4\n",
                &[2, 3],
            ),
            FileExample::bad("a further word", "FROM debian:12\nENV CARD_PIN=1234\n", &[2])
                .params(r#"{"names":["pin"]}"#),
            FileExample::good(
                "mounted for the build",
                "FROM debian:12\nRUN --mount=type=secret,id=npm NPM_TOKEN=$(cat /run/secrets/npm) npm ci\nRUN --mount=type=ssh git clone git@git.example.com:a\nENV DB_PASSWORD_FILE=/run/secrets/db DB_PASSWORD=\"\" TOKEN_TTL=1h\nCOPY id_rsa.pub .env.example /app/\n",
            ),
            FileExample::good(
                "public keys",
                "FROM debian:12\nRUN git config --global user.signingkey 0A1B2C3D4E5F6071 && useradd -p '!' app\nENV TOKEN=00000000-0000-0000-0000-000000000000\nENV GPG_KEY A035C8C19219BA821ECEA86B64E628F8D684696D\nRUN gpg --keyserver keys.example.com --recv-keys A035C8C19219BA821ECEA86B64E628F8D684696D\nADD https://example.com/Release.key /k\n",
            ),
            FileExample::bad(
                "passwords that programs read",
                "FROM debian:12\nRUN echo 'root:hunter2' | chpasswd\nRUN chpasswd <<EOF\nroot:hunter2\nEOF\nRUN echo hunter2 | passwd --stdin root\nRUN make NPM_TOKEN=hunter2hunter2\nRUN export API_TOKEN=hunter2 && ./setup\nRUN DB_PASSWORD=hunter2; ./setup\n",
                &[2, 4, 6, 7, 8, 9],
            ),
            FileExample::good(
                "keys of packages, and settings about passwords",
                "FROM debian:12\nRUN key='859BE8D7C586F538430B19C2467B942D3A79BD29'; gpg --recv-keys \"$key\"\nENV SOLR_KEYS=E6E21FFCDCEA14C95910EA65051A0FAF76BC6507\nARG SWIFT_SIGNING_KEY=A62AE125BBBFBB96A6E042EC925CC1CCED3D1561\nENV SWIFT_SIGNING_KEY=$SWIFT_SIGNING_KEY\nARG GHC_RELEASE_KEY=88b57fcf7db53b4db3bfa4b1588764fbe22d19c4\nENV PGP_KEY_IDS=\"0x8657ABB260F056B1E5190839D9C4D26D0E604491 0x5B2545DAB21995F4088CEFAA36CEE4DEB00CFE33\"\nCMD [\"postgres\", \"-c\", \"password_encryption=scram-sha-256\"]\nRUN export TOKEN=\"$(cat /run/secrets/token)\" && npm ci\nRUN adduser --disabled-password app && mysql --skip-password root && createuser --no-password app1 && psql --no-password mydb\nRUN a --random-password admin1 && b --without-password user1 && c --empty-password user2\nRUN echo \"root:$PASSWORD\" | chpasswd\n",
            ),
            FileExample::good(
                "of the pod",
                "FROM debian:12\nENV DB_PASSWORD=$DB_PASSWORD\nCMD app --password=\"$DB_PASSWORD\"\n",
            ),
            FileExample::good("allowed names", "FROM debian:12\nENV CSRF_TOKEN=header\nCOPY .env /app/\nRUN printf 'TOKEN=%s' hunter2 > /app/.env\n")
                .params(r#"{"allow":["CSRF_TOKEN",".env"]}"#),
            FileExample::bad(
                "files of variables",
                "FROM debian:12\nRUN printf 'PORT=80\\nTOKEN=%s\\n' hunter2 > /app/.env\nCOPY <<EOF /app/.env.production\nPORT=80\nTOKEN=hunter2\nEOF\n",
                &[2, 5],
            ),
            FileExample::bad(
                "what commands print into files and variables",
                "FROM debian:12\nRUN printf '%s=%s\\n' PORT 80 TOKEN hunter2 > /app/.env\nRUN printf 'machine h\\nlogin b password %b\\n' hunter2 > ~/.netrc\nRUN printf 'db:5432:*:app:%-5s' hunter2 | dd of=/root/.pgpass\nRUN { echo machine h; printf 'login b password '; printf %q hunter2; } > ~/.netrc\nRUN printf 'db_password=%10.3s\\n' hunter2 >> /etc/app.conf && printf 'api_password=abcdef12 %s=%s' db_password hunter2 > /app/.env\nRUN echo -e 'port=80\\ndb_password =' hunter2 > /etc/app.conf\nRUN printf -v DB_PASSWORD %s hunter2 && read DB_PASSWORD <<< hunter3\nRUN DB_PASSWORD=$(echo hunter2) ./setup\nRUN printf '%s:%s\\n' root hunter2 | chpasswd && echo hunter2 | docker login -u u --password-stdin\n",
                &[2, 3, 4, 5, 6, 6, 7, 8, 8, 9, 10, 10],
            ),
            FileExample::good(
                "what commands print for people, or of a secret that is mounted",
                "FROM debian:12\nRUN printf '%s=%s\\n' TOKEN \"$TOKEN\" PORT 80 > /app/.env && printf 'password: %s\\n' \"$(cat /run/secrets/a)\"\nRUN printf 'Password for %s: ' app && printf 'db_password: %-20s|\\n' \"$P\" && echo Setting password: done && printf '%s\\n' token && printf -v NAME %s value\nRUN DB_PASSWORD=$(echo \"$A\") TOKEN=$(cat /run/secrets/a) ./setup && read -r DB_PASSWORD < /run/secrets/a\nRUN echo \"$TOKEN\" | docker login -u u --password-stdin && printf '%s:%s' root \"$P\" | chpasswd\n",
            ),
            FileExample::bad(
                "passwords in commands of Windows",
                "FROM mcr.microsoft.com/windows/servercore:ltsc2022\nRUN net user bob hunter2 /add\nRUN powershell -Command \"$p = ConvertTo-SecureString 'hunter2' -AsPlainText -Force; New-LocalUser bob -Password $p\"\nSHELL [\"powershell\", \"-Command\"]\nRUN New-LocalUser -Name bob -Password (ConvertTo-SecureString -String \"hunter2\" -AsPlainText -Force)\nRUN $p = 'hunter2' | ConvertTo-SecureString -AsPlainText -Force; NET.EXE USER bob hunter3 /ADD\n",
                &[2, 3, 5, 6, 6],
            ),
            FileExample::good(
                "commands of Windows without a password",
                "FROM mcr.microsoft.com/windows/servercore:ltsc2022\nRUN net user bob /add && net user bob %PASSWORD% /add && net user bob * /add && net start w3svc\nSHELL [\"powershell\", \"-Command\"]\nRUN $p = ConvertTo-SecureString $env:PASSWORD -AsPlainText -Force; $q = ConvertTo-SecureString (Get-Content C:\\p.txt) -AsPlainText -Force\nRUN net user bob $env:PASSWORD /add; Get-Content C:\\p.txt | ConvertTo-SecureString\n",
            ),
            FileExample::bad(
                "what programs read from a pipe, tokens by short names, labels and folders",
                "FROM debian:12\nRUN echo hunter2 | docker login -u bob --password-stdin\nRUN printf hunter2 | helm registry login -u a --password-from-stdin r && echo hunter2 | vault login -\nENV GH_PAT=hunter2\nLABEL api_token=hunter2\nCOPY .aws /root/.aws\nCOPY secrets/ /run/secrets/\nRUN composer config http-basic.repo.example.com user hunter2\nRUN bundle config set --global gems.example.com user:hunter2\nRUN rabbitmqctl add_user app hunter2 && 7z x -phunter2 a.7z && unzip -P hunter2 b.zip\nCMD [\"app\", \"--pw\", \"hunter2\"]\nRUN curl -o y 'https://a.blob.core.windows.net/y?sv=2020&sig=Zx9Qv7Lm2Rt5Wp19'\nRUN echo hunter2 | openssl rsa -passin stdin\n",
                &[2, 3, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 11, 12, 13],
            ),
            FileExample::good(
                "what everybody knows or is meant to read",
                "FROM debian:12\nRUN keytool -importcert -noprompt -cacerts -storepass changeit\nENV JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStorePassword=changeit\nCOPY truststore.jks conf/client-truststore.p12 /etc/\nCOPY llvm-snapshot.gpg.key /root/\nENV NEXT_PUBLIC_MAPBOX_TOKEN=pk.hunter2 VITE_FIREBASE_API_KEY=AIzaSyA0123456789abcdefghijklmnopqrstuv TOKEN=placeholder\nENV DB_PASSWORD=REPLACE_ME JWT_SECRET=your-secret-here sa_password=\"_\" SONAR_TOKEN=unset\nRUN DATABASE_URL=postgres://u:p@localhost/db manage.py collectstatic\nARG NEXT_PUBLIC_API_KEY\nENV FILE_PAT=a.*z\nCOPY src/secrets /app/src/secrets\nRUN bundle config set --local path vendor/bundle && composer config repositories.a vcs https://example.com/a && unzip -p a.zip b && 7z x a.7z\nLABEL com.example.auth=basic com.example.token-url=https://example.com\n",
            ),
            FileExample::bad(
                "real values by names that are public, and real passwords",
                "FROM debian:12\nENV NEXT_PUBLIC_TOKEN=ghp_abcdefghijklmnopqrstuvwxyz0123456789 REACT_APP_DB_PASSWORD=hunter2\nENV A_PASSWORD=password B_PASSWORD=postgres KEYSTORE_PASSWORD=changeit\nRUN keytool -genkeypair -keypass changeit -storepass hunter2\nCOPY own.jks private.gpg.key /etc/\nENV DATABASE_URL=postgres://u:p@localhost/db\nRUN DATABASE_URL=postgres://u:hunter2@localhost/db manage.py collectstatic\n",
                &[2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7],
            ),
            FileExample::bad(
                "an argument of a stage that the image does not have",
                "FROM node:22 AS build\nARG NPM_TOKEN\nENV NPM_TOKEN=$NPM_TOKEN\nRUN npm ci\nFROM debian:12\nCOPY --from=build /app /app\n",
                &[2, 3],
            ),
            FileExample::good(
                "allowed variables, options and settings",
                "FROM debian:12\nENV JAVA_OPTS=-Dkey.password=hunter2\nENV A_OPTS=-Dkey.store.password=hunter2\nRUN keytool -list -storepass hunter2 && app --api-token hunter2\nRUN echo hunter2 | docker login --password-stdin\n",
            )
            .params(r#"{"allow":["JAVA_OPTS","-Dkey.store.password","-storepass","api-token","--password-stdin"]}"#),
            FileExample::good(
                "files of variables without a secret",
                "FROM debian:12\nRUN echo \"TOKEN=$TOKEN\" > /app/.env && echo 'CSRF_TOKEN=header' >> /app/.env && cp .env.example .env\nCOPY <<EOF /app/.env.example\nTOKEN=hunter2\nEOF\n",
            )
            .params(r#"{"allow":["CSRF_TOKEN"]}"#),
            FileExample::good(
                "values that are encrypted, or that a template puts in",
                "FROM debian:12\nENV DB_PASSWORD=@@DB@@ API_TOKEN=#{TOKEN}#\nCOPY <<EOF /app/.env\nA_PASSWORD=encrypted:BDqDBibm4wsYqMpCjTQ6BsDHmMadg9K3dAt+Z9HPMfLEIRVz50hmLXPXRuDBXaJi0LwfYbIbNXpoSQ==\nB_PASSWORD=ENC[AES256_GCM,data:p673w==,iv:YY=,aad:UQ=,tag:A=,type:str]\nC_PASSWORD=@@DB@@\nD_PASSWORD={{ db }}\nE_PASSWORD=<password>\nF_PASSWORD=__X__\nG_PASSWORD=%X%\nURL=postgres://@@USER@@:@@PASS@@@db/app\nEOF\n",
            ),
            FileExample::bad(
                "files of variables under other names, and values in other quotes",
                "FROM debian:12\nCOPY .env_prod .env~ /app/\nRUN printf 'declare -x DB_TOKEN=hunter2\\n' > /app/.env_prod\nCOPY <<EOF /app/.env~\nTOKEN=\"\"\"hunter2\"\"\"\nEOF\nCOPY <<'EOF' /app/.env\nTOKEN='$literal'\nEOF\n",
                &[2, 2, 3, 5, 8],
            ),
        ],
    }),
};

/// Parameters of `dockerfile-secrets`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct DockerfileSecrets {
    /// Further words with which the name of a secret ends, in any case: `pin`.
    names: Vec<String>,
    /// Variables, options, settings and files that are named like a secret and are none, each by the name in the message:
    /// `CSRF_TOKEN`, `--token`, `-Djavax.net.ssl.keyStorePassword`.
    #[serde(deserialize_with = "allowed_names")]
    allow: Vec<String>,
}

/// A secret, and what would pass.
struct Fault {
    span: Range<usize>,
    found: String,
    wanted: &'static str,
    severity: Severity,
    most: Option<AtMost>,
}

impl Fault {
    const fn new(span: Range<usize>, found: String, wanted: &'static str, severity: Severity) -> Self {
        Self { span, found, wanted, severity, most: None }
    }
}

const MOUNTED: &str = "RUN --mount=type=secret, or a Secret of the pod";

impl FileCheck for DockerfileSecrets {
    fn check<'d>(&self, file: &'d Dockerfile<'d>, findings: &mut FileFindings<'d>) {
        let more: Vec<String> = self.names.iter().map(|word| word.to_uppercase()).collect();
        let names = Names { more: &more, allow: &self.allow };
        let mut faults = Vec::new();
        for stage in &file.stages {
            // The arguments of the build that are known in the stage so far.
            let mut arguments = HashSet::new();
            let is_shipped =
                file.last_stage().is_some_and(|last| file.with_bases(last).any(|of| std::ptr::eq(of, stage)));
            for instruction in file.instructions.get(stage.instructions.clone()).unwrap_or_default() {
                variables(instruction, is_shipped, &names, &mut arguments, &mut faults);
                copied_files(instruction, is_shipped, &names, &mut faults);
                texts(instruction, &names, &mut faults);
                if let Some(run) = file.run(instruction) {
                    commands(&run, &names, &mut faults);
                }
            }
        }
        for (_, run) in powershell(file) {
            commands(&run, &names, &mut faults);
        }
        let first = file.stages.first().map_or(file.instructions.len(), |stage| stage.instructions.start);
        for instruction in file.instructions.get(..first).unwrap_or_default() {
            variables(instruction, true, &names, &mut HashSet::new(), &mut faults);
        }
        faults.sort_by_key(|fault| fault.span.start);
        faults.dedup_by(|next, before| {
            let is_same = next.span.start == before.span.start;
            if is_same {
                before.span.end = before.span.end.max(next.span.end);
            }
            is_same
        });
        findings.extend(faults.into_iter().map(|Fault { span, found, wanted, severity, most }| {
            Finding::new(file.place(span), found, wanted).severity(severity).at_most(most)
        }));
    }
}

fn variables<'f>(
    instruction: &'f Instruction<'_>,
    is_shipped: bool,
    names: &Names<'_>,
    arguments: &mut HashSet<&'f str>,
    faults: &mut Vec<Fault>,
) {
    let keyword = instruction.keyword;
    for pair in instruction.pairs() {
        let Pair { name, value, span } = pair;
        let raw = value.as_ref().map(Word::text);
        let mut fault = |Secret { what, name: setting }: Secret<'_>, severity| {
            let setting = in_brackets(setting);
            let found = format!("{what}{setting} in {} {}", keyword.as_str(), clean(name, 80));
            faults.push(Fault::new(span.clone(), found, MOUNTED, severity));
        };
        // Named like a secret, whatever its value will be.
        let is_named = || !names.is_allowed(name) && is_named_secret(name, "hunter2Xy9", names.more);
        let is_of_build = match (keyword, raw) {
            (Keyword::Label, Some(value)) => {
                if let Some(secret) = of_label(names, name, value) {
                    fault(secret, Severity::Critical);
                }
                None
            }
            (Keyword::Arg, None) => {
                arguments.insert(name.as_str());
                is_named().then_some(Severity::Medium)
            }
            (Keyword::Env, Some(value)) if reference(value).is_some_and(|of| arguments.contains(of)) => {
                is_named().then_some(Severity::High)
            }
            (_, Some(value)) => {
                if let Some(secret) = names.secret(name, value) {
                    fault(secret, Severity::Critical);
                }
                None
            }
            (_, None) => None,
        };
        match is_of_build {
            Some(severity) if is_shipped => fault(Secret::new("a secret of the build"), severity),
            Some(_) => {
                fault(Secret::new(IN_CACHE), Severity::Low);
                if let Some(fault) = faults.last_mut() {
                    fault.most = Some(AtMost::Warn);
                }
            }
            None => {}
        }
    }
}

/// What an argument of a stage is from which the image takes files alone.
const IN_CACHE: &str = "a secret of the build, which stays in the builder's cache and in the provenance of mode=max,";

/// The name of a setting or an option, which `allow` may have.
fn in_brackets(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" ({})", clean(name, 80)) }
}

fn copied_files(instruction: &Instruction<'_>, is_shipped: bool, names: &Names<'_>, faults: &mut Vec<Fault>) {
    let (Arguments::Copy { sources, target }, Keyword::Copy | Keyword::Add) =
        (&instruction.arguments, instruction.keyword)
    else {
        return;
    };
    for word in sources {
        let path = word.text();
        let name = path.rsplit('/').next().unwrap_or_default();
        // A key that is fetched from a server is public.
        if names.is_allowed(name) || names.is_allowed(path) || path.contains("://") {
            continue;
        }
        if let Some((what, severity)) = files::secret(path, target.text(), is_shipped) {
            let found = format!("{what} ({})", clean(path, 80));
            faults.push(Fault::new(word.span.clone(), found, "RUN --mount=type=secret, or no such file", severity));
        }
    }
}

/// Secrets in the lines of here-documents that are files.
fn texts(instruction: &Instruction<'_>, names: &Names<'_>, faults: &mut Vec<Fault>) {
    let documents = instruction.heredocs.iter().filter(|_| instruction.keyword != Keyword::Run);
    for Heredoc { text, start, name, .. } in documents {
        let before = faults.len();
        lines(text, *start, |line, span| {
            if let Some(what) = names.in_line(line) {
                let found = format!("{what} in a here-document");
                faults.push(Fault::new(span, found, MOUNTED, Severity::Critical));
            }
        });
        let Arguments::Copy { target, .. } = &instruction.arguments else { continue };
        let inside = format!("{}/{name}", target.text());
        let mut paths = [target.text(), inside.as_str()].into_iter().filter(|_| faults.len() == before);
        if let Some(Found { span, what, .. }) = paths.find_map(|path| in_file(path, text, *start, *names)) {
            let found = format!("{what} in a here-document");
            faults.push(Fault::new(span, found, MOUNTED, Severity::Critical));
        }
    }
}

fn commands(run: &Run, names: &Names<'_>, faults: &mut Vec<Fault>) {
    shell::calls_and_settings(&run.script, &mut |call| {
        faults.extend(names.in_call(call).into_iter().map(|Found { span, what, name }| {
            let found = format!("{what}{} in a command", in_brackets(&name));
            Fault::new(run.span(span), found, MOUNTED, Severity::Critical)
        }));
    });
}

/// The commands of Windows, as PowerShell reads them.
fn powershell<'d>(file: &'d Dockerfile<'d>) -> Vec<(&'d Instruction<'d>, Run)> {
    let has_shell = file.instructions.iter().any(|instruction| instruction.keyword == Keyword::Shell);
    if !has_shell && !file.stages.iter().any(|stage| file.is_windows(stage)) {
        return Vec::new();
    }
    file.all_runs()
}

/// The variable that is the whole value: `$NAME` or `${NAME}`.
fn reference(value: &str) -> Option<&str> {
    let name = value.trim_matches('"').strip_prefix('$')?;
    let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_').then_some(name)
}

#[cfg(test)]
mod tests;
