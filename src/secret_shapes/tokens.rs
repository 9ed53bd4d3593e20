//! Tokens and keys of well-known services, by their prefix and length.

/// The characters of a token after its prefix.
#[derive(Clone, Copy)]
enum Charset {
    /// Letters, digits, `_` and `-`.
    Token,
    /// As `Token`, with at least one digit, because words have none.
    Digits,
    /// Letters and digits.
    Letters,
    /// Capital letters and digits.
    Capitals,
    /// Hexadecimal digits.
    Hex,
}

use Charset::{Capitals, Digits, Hex, Letters, Token};

/// Prefix, least length of the rest, its characters, and what the token is.
#[rustfmt::skip]
static PREFIXES: [(&str, usize, Charset, &str); 92] = [
    ("AKIA", 16, Capitals, "an AWS access key"),
    ("ASIA", 16, Capitals, "an AWS access key"),
    ("ABIA", 16, Capitals, "an AWS access key"),
    ("LTAI", 16, Letters, "an Alibaba Cloud access key"),
    ("AIza", 35, Token, "a Google API key"),
    ("ya29.", 20, Token, "a Google access token"),
    ("GOCSPX-", 28, Token, "a Google client secret"),
    ("ghp_", 36, Letters, "a GitHub token"),
    ("gho_", 36, Letters, "a GitHub token"),
    ("ghu_", 36, Letters, "a GitHub token"),
    ("ghs_", 36, Letters, "a GitHub token"),
    ("ghr_", 36, Letters, "a GitHub token"),
    ("github_pat_", 22, Token, "a GitHub token"),
    ("glpat-", 20, Token, "a GitLab token"),
    ("gldt-", 20, Token, "a GitLab token"),
    ("glrt-", 20, Token, "a GitLab token"),
    ("glcbt-", 20, Token, "a GitLab token"),
    ("glptt-", 20, Token, "a GitLab token"),
    ("glft-", 20, Token, "a GitLab token"),
    ("glagent-", 20, Token, "a GitLab token"),
    ("glsoat-", 20, Token, "a GitLab token"),
    ("GR1348941", 20, Token, "a GitLab token"),
    ("xoxb-", 10, Token, "a Slack token"),
    ("xoxp-", 10, Token, "a Slack token"),
    ("xoxa-", 10, Token, "a Slack token"),
    ("xoxr-", 10, Token, "a Slack token"),
    ("xoxs-", 10, Token, "a Slack token"),
    ("xoxe-", 10, Token, "a Slack token"),
    ("xapp-", 10, Digits, "a Slack token"),
    ("sk_live_", 16, Letters, "a Stripe key"),
    ("rk_live_", 16, Letters, "a Stripe key"),
    ("sk_test_", 16, Letters, "a Stripe key"),
    ("rk_test_", 16, Letters, "a Stripe key"),
    ("whsec_", 24, Letters, "a secret of a webhook"),
    ("sk-ant-", 32, Digits, "an Anthropic API key"),
    ("sk-proj-", 32, Digits, "an OpenAI API key"),
    ("sk-", 32, Digits, "an API key"),
    ("gsk_", 32, Letters, "a Groq API key"),
    ("xai-", 40, Digits, "an xAI API key"),
    ("pplx-", 32, Digits, "a Perplexity API key"),
    ("nvapi-", 40, Digits, "an NVIDIA API key"),
    ("r8_", 37, Letters, "a Replicate token"),
    ("hf_", 30, Letters, "a Hugging Face token"),
    ("dapi", 32, Hex, "a Databricks token"),
    ("npm_", 36, Letters, "an npm token"),
    ("pypi-AgE", 40, Token, "a PyPI token"),
    ("rubygems_", 48, Hex, "a RubyGems key"),
    ("dckr_pat_", 24, Token, "a Docker Hub token"),
    ("dckr_oat_", 24, Token, "a Docker Hub token"),
    ("SK", 32, Hex, "a Twilio key"),
    ("key-", 32, Hex, "a Mailgun key"),
    ("PMAK-", 50, Token, "a Postman key"),
    ("hvs.", 24, Token, "a Vault token"),
    ("hvb.", 24, Token, "a Vault token"),
    ("hvr.", 24, Token, "a Vault token"),
    ("dop_v1_", 64, Hex, "a DigitalOcean token"),
    ("doo_v1_", 64, Hex, "a DigitalOcean token"),
    ("dor_v1_", 64, Hex, "a DigitalOcean token"),
    ("shpat_", 32, Hex, "a Shopify token"),
    ("shpca_", 32, Hex, "a Shopify token"),
    ("shppa_", 32, Hex, "a Shopify token"),
    ("shpss_", 32, Hex, "a Shopify secret"),
    ("sq0atp-", 22, Token, "a Square token"),
    ("sq0csp-", 40, Token, "a Square secret"),
    ("glsa_", 32, Token, "a Grafana token"),
    ("glc_", 32, Token, "a Grafana token"),
    ("NRAK-", 27, Capitals, "a New Relic key"),
    ("sntrys_", 40, Token, "a Sentry token"),
    ("sntryu_", 40, Hex, "a Sentry token"),
    ("sbp_", 40, Hex, "a Supabase token"),
    ("sb_secret_", 20, Token, "a Supabase key"),
    ("pscale_tkn_", 32, Token, "a PlanetScale token"),
    ("pscale_pw_", 32, Token, "a PlanetScale password"),
    ("dp.st.", 32, Token, "a Doppler token"),
    ("dp.pt.", 32, Token, "a Doppler token"),
    ("tskey-auth-", 16, Digits, "a Tailscale key"),
    ("tskey-api-", 16, Digits, "a Tailscale key"),
    ("tskey-client-", 16, Digits, "a Tailscale key"),
    ("pul-", 40, Hex, "a Pulumi token"),
    ("ATATT3", 60, Token, "an Atlassian token"),
    ("ATCTT3", 60, Token, "an Atlassian token"),
    ("lin_api_", 40, Letters, "a Linear key"),
    ("figd_", 40, Token, "a Figma token"),
    ("ntn_", 43, Letters, "a Notion token"),
    ("PMAT-", 26, Capitals, "a Postman token"),
    ("phx_", 40, Letters, "a PostHog key"),
    ("rnd_", 28, Letters, "a Render key"),
    ("fm2_", 60, Letters, "a Fly.io token"),
    ("CFPAT-", 40, Token, "a Contentful token"),
    ("EZAK", 54, Letters, "an EasyPost key"),
    ("AGE-SECRET-KEY-1", 50, Capitals, "an age key"),
    ("ops_eyJ", 100, Token, "a 1Password token"),
];

pub fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// The kind of token that the value contains as a word.
pub fn known_token(value: &str) -> Option<&'static str> {
    by_prefix(value)
        .or_else(|| is_sendgrid(value).then_some("a SendGrid key"))
        .or_else(|| is_bot(value).then_some("a bot's token"))
        .or_else(|| is_webhook(value).then_some("a webhook's URL"))
        .or_else(|| is_entra(value).then_some("a Microsoft Entra client secret"))
        .or_else(|| has_web_token(value).then_some("a JSON web token"))
}

fn by_prefix(value: &str) -> Option<&'static str> {
    let mut at = 0;
    value.split_inclusive(|c| !is_token_char(c)).find_map(|word| {
        // Some prefixes, such as `ya29.`, contain a full stop, so the token can be longer than the word.
        let from = value.get(at..).unwrap_or_default();
        at += word.len();
        begins_token(word, from)
    })
}

fn begins_token(word: &str, from: &str) -> Option<&'static str> {
    // All prefixes begin with a letter or a digit.
    let first = word.bytes().next().filter(u8::is_ascii_alphanumeric)?;
    PREFIXES
        .iter()
        .filter(|(prefix, ..)| prefix.as_bytes().first() == Some(&first))
        .find(|(prefix, length, charset, _)| {
            from.strip_prefix(prefix).is_some_and(|rest| is_made_of(rest, *length, *charset))
        })
        .map(|(.., what)| *what)
}

fn is_made_of(rest: &str, length: usize, charset: Charset) -> bool {
    let fits = |c: char| match charset {
        Token | Digits => is_token_char(c),
        Letters => c.is_ascii_alphanumeric(),
        Capitals => c.is_ascii_uppercase() || c.is_ascii_digit(),
        Hex => c.is_ascii_hexdigit(),
    };
    let near = || rest.chars().take(length);
    near().filter(|c| fits(*c)).count() == length && (!matches!(charset, Digits) || near().any(|c| c.is_ascii_digit()))
}

/// Whether the value contains `SG.`, 22 characters, a full stop, and 43 more characters.
fn is_sendgrid(value: &str) -> bool {
    value.len() >= 69
        && value.match_indices("SG.").any(|(at, prefix)| {
            let rest = value.get(at + prefix.len()..).unwrap_or_default();
            is_made_of(rest, 22, Token)
                && rest
                    .get(22..)
                    .and_then(|rest| rest.strip_prefix('.'))
                    .is_some_and(|rest| is_made_of(rest, 43, Token))
        })
}

/// Whether the value contains the token of a bot: `123456789:AA...` of Telegram, or the three parts of Discord, of which the
/// first is a number in base64.
fn is_bot(value: &str) -> bool {
    let telegram = |at: usize| {
        let number = value.get(at.saturating_sub(10)..at).unwrap_or_default();
        let digits = number.bytes().rev().take_while(u8::is_ascii_digit).count();
        digits >= 8 && value.get(at + 1..).is_some_and(|rest| is_made_of(rest, 35, Token))
    };
    let discord = |word: &str| {
        let mut parts = word.split('.').map(str::len);
        word.starts_with(['M', 'N', 'O'])
            && parts.next().is_some_and(|first| (23..=28).contains(&first))
            && parts.next() == Some(6)
            && parts.next().is_some_and(|last| last >= 27)
            && parts.next().is_none()
    };
    value.len() >= 44
        && (value.match_indices(":AA").any(|(at, _)| telegram(at))
            || value.split(|c| !(is_token_char(c) || c == '.')).any(discord))
}

/// Whether the value contains the URL of a webhook that accepts messages without a login.
fn is_webhook(value: &str) -> bool {
    let starts = [
        "hooks.slack.com/services/T",
        "discord.com/api/webhooks/",
        "discordapp.com/api/webhooks/",
        ".webhook.office.com/webhookb2/",
    ];
    let is_secret = |(at, start): (usize, &str)| {
        let rest = value.get(at + start.len()..).unwrap_or_default();
        let path = rest.chars().take(160).take_while(|c| is_token_char(*c) || matches!(c, '/' | '@'));
        path.filter(char::is_ascii_alphanumeric).count() >= 30
    };
    value.len() >= 55 && starts.iter().any(|start| value.match_indices(start).any(is_secret))
}

/// Whether the value contains three characters, a digit, `Q~`, and 31 or more characters.
fn is_entra(value: &str) -> bool {
    let is_secret = |(at, mark): (usize, &str)| {
        let before = value.get(at.saturating_sub(4)..at).unwrap_or_default();
        let rest = value.get(at + mark.len()..).unwrap_or_default();
        let fits = |c: &char| is_token_char(*c) || matches!(c, '.' | '~');
        before.len() == 4
            && before.chars().all(|c| fits(&c))
            && before.ends_with(|c: char| c.is_ascii_digit())
            && rest.chars().take(34).take_while(fits).count() >= 31
    };
    value.len() >= 37 && value.match_indices("Q~").any(is_secret)
}

/// Whether the value contains three parts of base64, of which the first is a JSON object. Each part is read once.
fn has_web_token(value: &str) -> bool {
    const PART: usize = 16;
    let long = |part: &str| part.len() >= PART;
    let mut before = ["", ""];
    value.len() >= 3 * PART
        && value.split_inclusive(|c| !is_token_char(c)).any(|part| {
            let own = part.strip_suffix(|c| !is_token_char(c)).unwrap_or(part);
            let [first, second] = before.map(|part| part.strip_suffix('.').unwrap_or_default());
            // Of several places at which an object may begin, the first one leaves the longest part.
            let object = || first.find("eyJ").and_then(|at| first.get(at..));
            let found = long(own) && long(second) && object().is_some_and(long);
            before = [before[1], part];
            found
        })
}
