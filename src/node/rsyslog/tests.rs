use super::*;

fn forwarding(text: &str) -> Forwarding {
    let mut rsyslog = Rsyslog::new("n1");
    rsyslog.add("f", text, &|_| Vec::new());
    rsyslog.forwarding()
}

fn sends(text: &str) -> bool {
    !forwarding(text).journal.is_empty()
}

#[test]
fn what_sends_all_logs_to_another_host() {
    for text in [
        "*.* @logs.example.com",
        "*.*  @@(z9)10.0.0.1:6514 # all\n",
        "*.* :omrelp:logs:2514",
        "*.info;auth,authpriv.none;mail.none @@logs",
        "user,daemon.debug @@logs",
        "action(type=\"omfwd\" target=\"logs\" port=\"514\")",
        "action(\n  type=\"omfwd\" # TCP\n  target=\"logs\"\n)\n",
        "*.* action(type=\"omrelp\" target=\"logs\")",
        "ruleset(name=\"far\")\n{\n  *.* @@logs\n}\ncall far\n",
        "if $programname == 'x' then {\n stop\n}\n*.* @@logs\n",
        "auth.* {\n stop\n}\n*.* {\n  action(type=\"omfwd\" target=\"logs\")\n}\n",
        ":msg, contains, \"foo (\" /var/log/foo\n*.* @@logs",
        "$template a,\"{ (%msg%\"\n*.* @@logs",
        ":syslogtag, isequal, \"[CLOUDINIT]\" /var/log/cloud-init.log\n& stop\n*.* @@logs",
        "/* old\n*/ *.* @@logs\n",
    ] {
        assert!(sends(text), "{text}");
    }
}

#[test]
fn what_sends_nothing_or_a_part() {
    for text in [
        "*.* @127.0.0.1",
        "*.* @@localhost:514",
        "module(load=\"omrelp\")",
        "$ModLoad omrelp",
        "action(type=\"omfwd\" target=\"127.0.0.1\")",
        "action(type=\"omfwd\" port=\"514\")",
        "type=\"omfwd\" target=\"logs\"",
        "# *.* @logs",
        "*.* /var/log/x",
        "/*\n*.* @@logs\n*/",
        "/* *.* @@logs",
        "auth.* @@logs",
        "*.emerg @@logs",
        "*.*;*.none @@logs",
        "kern,mail.* @@logs",
        ":msg, contains, \"x\" @@logs",
        "if $programname == 'x' then {\n  action(type=\"omfwd\" target=\"logs\")\n}",
        "if $programname == 'x' then\n  action(type=\"omfwd\" target=\"logs\")\n",
        "if $programname == 'x' then @@logs",
        "ruleset(name=\"far\") {\n  action(type=\"omfwd\" target=\"logs\")\n}\n",
        "*.* {\n stop\n}\n*.* @@logs\n",
        "*.* /var/log/all\n& stop\n*.* @@logs\n",
        "mail.* \\\n  @@logs\n",
        "*.* @@n1:514",
        "if $msg contains 'x' then call far\nruleset(name=\"far\") {\n *.* @@logs\n}",
        "*.* stop\n*.* @@logs\n",
        "*.* ~\naction(type=\"omfwd\" target=\"logs\")\n",
    ] {
        assert!(!sends(text), "{text}");
    }
}

#[test]
fn a_stop_under_a_condition_is_a_doubt() {
    for text in [
        ":programname, isequal, \"dockerd\" stop\n*.* @@logs",
        "if $programname startswith 'docker' then { stop }\n*.* @@logs",
        "if $msg contains 'x' then\n stop\n*.* @@logs",
        ":msg, contains, \"foo (\" ~\n*.* @@logs",
    ] {
        let found = forwarding(text);
        assert!(found.journal.is_empty() && found.doubt.is_some(), "{text}");
    }
}

#[test]
fn files_that_are_followed() {
    let far = "ruleset(name=\"far\") {\n  action(type=\"omfwd\" target=\"logs\")\n}\n";
    let input = "input(type=\"imfile\" file=\"/var/log/pods/*/*/*.log\" ruleset=\"far\")\n";
    let found = forwarding(&format!("{far}{input}"));
    assert!(found.journal.is_empty() && found.files.len() == 1, "{found:?}");
    assert!(forwarding(input).files.is_empty(), "the ruleset is not there");
    assert_eq!(forwarding("*.* @@logs\ninput(type=\"imfile\"\n file=\"/a\")\n").files.len(), 1);
}

#[test]
fn nested_blocks_are_read_in_linear_time() {
    let deep = format!("{}*.* @@logs\n{}", "if $a then {\n".repeat(100_000), "}\n".repeat(100_000));
    assert!(!sends(&deep) && sends(&format!("{deep}*.* @@logs\n")));
}
