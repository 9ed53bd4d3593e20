//! Credentials in the files of programs, and texts that have none.

use super::super::named;

fn found(path: &str, text: &str) -> Option<&'static str> {
    named(path)?.find(text.as_bytes())
}

#[test]
fn credentials_are_found_in_settings_of_programs() {
    let token = ["gh", "s_"].concat() + &"0123456789abcdefABCDEF".repeat(2);
    let git = format!("[remote \"origin\"]\n\turl = https://{token}@git.example.com/a/b\n");
    for (path, text) in [
        ("src/.git/config", git.as_str()),
        ("src/.git/config", "[remote \"origin\"]\n\turl = https://x-access-token:hunter2@git.example.com/a/b\n"),
        (
            "src/.git/config",
            "[http \"https://git.example.com/\"]\n\textraheader = AUTHORIZATION: basic amFuZTpodW50ZXIy\n",
        ),
        (
            "root/.gitconfig",
            "[url \"https://jane:hunter2@git.example.com/\"]\n\tinsteadOf = https://git.example.com/\n",
        ),
        ("etc/pip.conf", "[global]\nindex-url = https://jane:hunter2@pypi.example.com/simple\n"),
        ("root/.config/pip/pip.conf", "[global]\nextra-index-url=\n  https://jane:hunter2@pypi.example.com/simple\n"),
        ("root/.pip/pip.conf", "[global]\nindex-url=https://jane:hunter2@pypi.example.com/simple\n"),
        ("app/.yarnrc.yml", "npmScopes:\n  a:\n    npmAuthToken: \"0a1b2c\"\n"),
        ("root/.nuget/NuGet/NuGet.Config", "<add key=\"ClearTextPassword\" value=\"hunter2\" />"),
        ("root/.composer/auth.json", r#"{"http-basic":{"repo.example.com":{"username":"a","password":"hunter2"}}}"#),
        ("var/www/html/auth.json", r#"{"github-oauth":{"github.com":"0a1b2c"}}"#),
        ("root/.bundle/config", "---\nBUNDLE_GEMS__EXAMPLE__COM: \"jane:hunter2\"\n"),
        ("root/.gradle/gradle.properties", "org.gradle.daemon=false\nmavenPassword=hunter2\n"),
        ("etc/apt/auth.conf.d/a.conf", "machine a login b password hunter2\n"),
        ("etc/apt/auth.conf", "machine a login b password hunter2\n"),
        ("root/.my.cnf", "[client]\nuser=root\npassword=hunter2\n"),
        ("root/.terraformrc", "credentials \"app.terraform.io\" { token = \"0a1b2c\" }\n"),
        ("root/.s3cfg", "[default]\nsecret_key = 0a1b2c\n"),
        ("root/.config/rclone/rclone.conf", "[a]\ntype = s3\nsecret_access_key = 0a1b2c\n"),
        ("root/.config/gcloud/application_default_credentials.json", "{\n  \"refresh_token\": \"1//0a\",\n}\n"),
        ("app/config/master.key", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
        ("app/config/credentials/production.key", "0a1b2c3d4e5f60718293a4b5c6d7e8f9\n"),
        ("app/application.properties", "server.port=80\nspring.datasource.password=hunter2\n"),
        ("app/config/application-prod.yml", "spring:\n  datasource:\n    password: hunter2\n"),
        (
            "app/appsettings.json",
            "{\n  \"ConnectionStrings\": {\n    \"A\": \"Server=db;User=sa;Password=hunter2;\"\n  }\n}\n",
        ),
        ("app/appsettings.Production.json", "{\n  \"Jwt\": {\n    \"ClientSecret\": \"hunter2\"\n  }\n}\n"),
        ("var/www/html/wp-config.php", "<?php\ndefine( 'DB_PASSWORD', 'hunter2' );\n"),
        ("var/www/html/wp-config.php", "<?php define('DB_NAME', 'a'); define('DB_PASSWORD', 'hunter2');\n"),
        ("var/www/html/wp-config.php", "if (!defined('DB_PASSWORD')) define(\"DB_PASSWORD\", \"hunter2\");\n"),
        ("src/.git/modules/libs/a/config", "\turl = https://jane:hunter2@git.example.com/a/b\n"),
        ("root/NuGet.Config", "<add key='ClearTextPassword' value='hunter2' />"),
        ("root/NuGet.Config", "<add value = \"hunter2\" key = \"ClearTextPassword\"/>"),
        ("app/application.properties", "spring.datasource.password=${DB_PASSWORD:hunter2}\n"),
        ("app/application.yml", "spring:\n  datasource:\n    password: \"${A_PW:${B_PW:hunter2}}\"\n"),
        ("app/application.yml", "spring: {datasource: {username: app, password: hunter2}}\n"),
        ("app/application.yml", "spring:\n  datasource: {username: app, password: 'hunter2'}\n"),
        ("app/appsettings.json", r#"{"A":1,"Smtp":{"Host":"a","Password":"hunter2"}}"#),
        ("app/appsettings.json", r#"{"ConnectionStrings":{"A":"Server=db;User=sa;Password=hunter2;"}}"#),
        ("root/.kube/config", r#"{"users":[{"name":"a","user":{"token":"0a1b2c"}}]}"#),
        ("root/.kube/config", "users: [{name: a, user: {token: 0a1b2c}}]\n"),
        ("var/www/html/wp-config.php", "<?php\ndefine('DB_PASSWORD', getenv('A') ?: getenv('B') ?: 'hunter2');\n"),
        ("var/www/html/wp-config.php", "<?php\ndefine('DB_PASSWORD', $_ENV['A'] ?? \"hunter2\");\n"),
        (
            "var/www/html/wp-config.php",
            "<?php\n/* it's */ // it's\n# it's\nDefine(\n  'DB_PASSWORD',\n  'hunter2'\n);\n",
        ),
        ("var/www/html/wp-config.php", "<?php define('A', 'it\\'s // a /* b'); define('DB_PASSWORD', 'hunter2');\n"),
        ("src/.git/worktrees/a/config.worktree", "\turl = https://jane:hunter2@git.example.com/a/b\n"),
        ("root/.bundle/config", "BUNDLE_MIRROR__ALL: \"https://jane:hunter2@gems.example.com\"\n"),
        ("root/NuGet.Config", "<!-- a --><add key='ClearTextPassword' value='hunter2' /><!-- b -->"),
    ] {
        assert!(found(path, text).is_some(), "{path}: {text}");
    }
}

#[test]
fn settings_without_a_literal_are_none() {
    for (path, text) in [
        (
            "src/.git/config",
            "[remote \"origin\"]\n\turl = https://git.example.com/a/b\n\turl = git@git.example.com:a/b\n",
        ),
        ("src/.git/config", "[user]\n\temail = jane@example.com\n\turl = https://jane@git.example.com/a\n"),
        ("etc/pip.conf", "[global]\nindex-url = https://pypi.example.com/simple\n# https://jane:hunter2@a\n"),
        ("etc/pip.conf", "index-url = https://${USER}:${PASSWORD}@pypi.example.com/simple\n"),
        ("app/.yarnrc.yml", "npmAuthToken: \"${NPM_TOKEN}\"\nnodeLinker: node-modules\n"),
        ("app/nuget.config", "<add key=\"ClearTextPassword\" value=\"%NUGET_TOKEN%\" />"),
        ("app/auth.json", r#"{"a":{"password":"hunter2"}}"#),
        ("app/auth.json", r#"{"http-basic":{}}"#),
        (
            "root/.bundle/config",
            "---\nBUNDLE_PATH: \"vendor/bundle\"\nBUNDLE_MIRROR__HTTPS://A/: \"http://localhost:80\"\n",
        ),
        ("root/.gradle/gradle.properties", "org.gradle.jvmargs=-Xmx2g\nsigning.keyId=\nmavenPassword=${PW}\n"),
        ("root/.my.cnf", "[client]\nuser=root\npassword=\n"),
        ("app/config/master.key", "in the Secret\n"),
        (
            "root/.bundle/config",
            "---\nBUNDLE_BUILD__A: \"--with-b=c:d\"\nBUNDLE_BUILD__B: \"a:b\"\nBUNDLE_LOCAL__A: \"a:b\"\nBUNDLE_A__LOCAL: \"C:/a\"\n",
        ),
        (
            "app/application.properties",
            "spring.datasource.password=${DB_PASSWORD}\na.password={cipher}0a1b\nb.password=${B_PW:}\nc.password=${C_PW:#{null}}\nd.password=${D_PW:${E_PW}}\n",
        ),
        ("app/application.yml", "a: {password: \"${DB_PASSWORD:}\", user: hunter2}\nb: {password: , c: \"\"}\n"),
        ("app/appsettings.json", r#"{"Password":"","A":{"PasswordPolicy":"strict"},"B":["Password","hunter2"]}"#),
        ("src/.git/hooks/config", "\turl = https://jane:hunter2@git.example.com/a/b\n"),
        (
            "var/www/html/wp-config.php",
            "<?php\n// define( 'DB_PASSWORD', 'hunter2' );\n<?php // define('DB_PASSWORD', 'a');\nif (defined('DB_PASSWORD'));\n",
        ),
        (
            "app/application.yml",
            "spring:\n  datasource:\n    password: \"\"\n    token-ttl: 60\n    password: your-password\n",
        ),
        ("app/application-dev.yml", "password: hunter2\n"),
        ("app/node_modules/a/appsettings.json", "\"Password\": \"hunter2\"\n"),
        ("app/appsettings.Development.json", "\"Password\": \"hunter2\"\n"),
        (
            "app/appsettings.json",
            "{\"Logging\":{\"LogLevel\":\"Debug\"},\n\"PasswordPolicy\": \"strict\",\n\"Password\": \"\"}\n",
        ),
        (
            "var/www/html/wp-config.php",
            "define( 'DB_PASSWORD', getenv_docker('WORDPRESS_DB_PASSWORD', 'a') );\ndefine( 'DB_PASSWORD', 'password_here' );\n",
        ),
        ("app/applications.yml", "password: hunter2\n"),
        (
            "app/application.properties",
            "a.password=${vault:secret/data/db#password}\nb.password=${B_PW:changeme}\nc.password=${C_PW:?not set}\nd.password=${D_PW:${vault:d}}\ne.password=${E_PW:${F_PW:changeit}}\n",
        ),
        (
            "var/www/html/wp-config.php",
            "<?php\n// old: define('DB_PASSWORD', 'hunter2');\n/** such as define('DB_PASSWORD', 'hunter2');\ndefine('DB_PASSWORD', 'hunter2'); */\n$a = \"define('DB_PASSWORD', 'hunter2')\"; // define('DB_PASSWORD', 'hunter2');\n",
        ),
        (
            "var/www/html/wp-config.php",
            "<?php\ndefine('DB_PASSWORD', getenv('A') ?: '');\ndefine('DB_PASSWORD', $a['b']);\nundefine('DB_PASSWORD', 'hunter2');\n",
        ),
        ("app/nuget.config", "<a><!-- <add key='ClearTextPassword' value='hunter2' /> --></a>"),
        ("root/.m2/settings.xml", "<!-- <password>hunter2</password> -->"),
        ("root/.bundle/config", "BUNDLE_MIRROR__ALL: \"localhost:9292\"\n"),
        ("app/store.p12", "password=hunter2"),
    ] {
        assert_eq!(found(path, text), None, "{path}: {text}");
    }
}
