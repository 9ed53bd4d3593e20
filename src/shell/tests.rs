use super::*;

/// Each program with its arguments, in the order in which a shell runs them.
fn run(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    calls_in_order(&Script::new(text), &mut |call| {
        found.extend((!call.words.is_empty()).then(|| {
            let words: Vec<&str> = call.words.iter().map(|word| word.text.as_str()).collect();
            words.join("|")
        }));
    });
    found
}

/// Each program with its arguments, and the programs whose output it reads.
fn read(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    calls(&Script::new(text), &mut |call| {
        let args: Vec<&str> = call.args().collect();
        let sources = call.script.sources(call.command);
        let sources: Vec<&str> = sources.iter().filter_map(|c| c.words.first()).map(|w| w.text.as_str()).collect();
        let reads = if sources.is_empty() { String::new() } else { format!(" < {}", sources.join(",")) };
        found.push(format!("{}{reads}", format!("{} {}", call.name, args.join("|")).trim_end()));
    });
    found
}

#[test]
fn commands_are_split_where_a_shell_splits_them() {
    for (text, commands) in [
        ("a b && c; d || e & f\ng", vec!["a b", "c", "d", "e", "f", "g"]),
        ("a 'b c' \"d \\\" $e\" f\\ g", vec!["a b c|d \" $e|f g"]),
        ("a # b | c\nd#e", vec!["a", "d#e"]),
        ("a > b 2>&1 < c; d &> e", vec!["a", "d"]),
        ("A=1 sudo -u x env B=2 c d", vec!["c d"]),
        ("if a; then b; else c; fi; ! d", vec!["a", "b", "c", "d"]),
        ("f() { a; }; case $x in y) b;; esac", vec!["a", "case $x", "b"]),
        ("for x in a b; do c; done", vec!["for x|in|a|b", "c"]),
        ("A=(b c) d ${E:-(}", vec!["d ${E:-(}"]),
        ("\\\n a \\\n b", vec!["a b"]),
    ] {
        assert_eq!(read(text), commands, "{text}");
    }
}

#[test]
fn a_command_reads_what_is_piped_into_it() {
    for (text, commands) in [
        ("a | b | c", vec!["a", "b < a", "c < b,a"]),
        ("a |\n b |& c", vec!["a", "b < a", "c < b,a"]),
        ("(a; b) | c", vec!["a", "b", "c < a,b"]),
        ("{ a; b; } | c; d", vec!["a", "b", "c < {,b", "d"]),
        ("if x; then a; fi | c", vec!["x", "a", "c < if,then"]),
        ("x; a || b | c", vec!["x", "a", "b", "c < b"]),
        ("a && (b) && c | d", vec!["a", "b", "c", "d < c"]),
        ("{ a; b; } > f; c", vec!["a", "b", "cat < {,b", "c"]),
        ("(a; b) >> f | c", vec!["a", "b", "cat < a,b", "c < cat,a,b"]),
        ("a; { b; } < f; (c)", vec!["a", "b", "c"]),
        ("x | { a; } > f", vec!["x", "a < x", "cat < {,x"]),
        // What a group wrote to a file is no output of the one around it, and messages are none at all.
        ("(a; (b) > f; c) | d", vec!["a", "b", "cat < b", "c", "d < a,cat,c"]),
        ("(a; (b) 2> f; c) | d", vec!["a", "b", "cat < b", "c", "d < a,b,cat,c"]),
        ("((a) > /dev/stdout) | b", vec!["a", "cat < a", "b < a,cat"]),
    ] {
        assert_eq!(read(text), commands, "{text}");
    }
}

#[test]
fn groups_whose_output_is_a_file_are_read_in_linear_time() {
    let read_words = |text: &str| {
        let mut words = 0;
        calls(&Script::new(text), &mut |call| {
            words += call.script.sources(call.command).iter().map(|command| command.words.len()).sum::<usize>();
        });
        words
    };
    let nested = |depth: usize| read_words(&format!("{}a b{}", "{ ".repeat(depth), "; } > f".repeat(depth)));
    // Each is read once, and not again by all those around it.
    assert!(nested(4000) < 20_000, "{}", nested(4000));
    let beside = |count: usize| read_words(&"{ a; b; } > f; ".repeat(count));
    for (name, small, large) in [("nested", nested(500), nested(4000)), ("beside", beside(500), beside(4000))] {
        assert!(small > 0 && large < 16 * small, "{name}: {small}, {large}");
    }
}

#[test]
fn scripts_in_scripts_are_read() {
    for (text, commands) in [
        ("sh -c 'a b | c'", vec!["sh -c|a b | c", "a b", "c < a"]),
        ("bash -euxo pipefail -c \"a\"", vec!["bash -euxo|pipefail|-c|a", "a"]),
        ("eval \"$(a b)\"", vec!["a b", "eval $()", "$()"]),
        ("x=`a`; bash <(b c)", vec!["a", "b c", "bash <()"]),
        ("su app -c 'a'", vec!["su app|-c|a", "a"]),
        ("bash <<EOF\na\nb\nEOF\nc", vec!["bash", "a", "b", "c"]),
        ("cat <<-'E' > x\n\ta\n\tE\nc", vec!["cat", "c"]),
        ("source <(a)", vec!["a", "source <()"]),
    ] {
        assert_eq!(read(text), commands, "{text}");
    }
    let deep = "$(".repeat(100) + "a" + &")".repeat(100);
    assert!(read(&deep).len() < 10);
}

#[test]
fn places_are_those_of_the_outermost_script() {
    let text = "a; sh -c 'b c' && sh -c \"d \\\"e\\\"\" | f";
    let mut found = Vec::new();
    calls(&Script::new(text), &mut |call| found.push(text[call.place()].to_owned()));
    assert_eq!(found, ["a", "sh", "b", "sh", "d", "f"]);
    // Through escapes, quotes that follow each other, substitutions, and scripts in scripts.
    for (text, words) in [
        (r#"su -c "a \"b\" && c \$x""#, vec!["a", r#""b\""#, "c", "$x"]),
        (r#"sh -c 'a "b'"c\"; d""#, vec!["a", r#""b'"c\""#, "d"]),
        (r#"sh -c "a $(b) é\"; c""#, vec!["b", "a", "$(b)", r#"é\"; c"#]),
        (r"sh -c a\ b\;c", vec!["a", "b", "c"]),
        (
            r#"sh -c "x \"y\"; sh -c \"a \\\"b\\\"; c \\\"d\\\"\"""#,
            vec!["x", r#""y\""#, "a", r#""b\\\""#, "c", r#""d\\\""#],
        ),
    ] {
        let mut found = Vec::new();
        calls(&Script::new(text), &mut |call| {
            if call.name != "sh" && call.name != "su" {
                found.extend(call.words.iter().map(|word| text[call.span(word)].to_owned()));
            }
        });
        assert_eq!(found, words, "{text}");
    }
}

#[test]
fn functions_run_where_they_are_called() {
    for (text, commands) in [
        ("f() { a $1; }; b; f x y; c", vec!["b", "f|x|y", "a|x", "c"]),
        ("f()\n{\n  a \"$1.asc\" ${2} $@\n}\nf x y", vec!["f|x|y", "{", "a|x.asc|y|x|y"]),
        ("function f { local n=\"$1\"; a $n; }; f x", vec!["f|x", "local|n=x", "a|x"]),
        ("f() { if a; then b; fi; }; (cd c; f)", vec!["cd|c", "f", "a", "b"]),
        ("g() { a $1; }; f() { g $2; }; f x y", vec!["f|x|y", "g|y", "a|y"]),
        ("f() { a; }; b", vec!["a", "b"]),
        ("f() { a; f; }; b", vec!["a", "f", "b"]),
        ("f() { a; g; }; g() { f; }; b", vec!["a", "g", "f", "b"]),
        ("f() { a $1; }; b $(f y)", vec!["f|y", "a|y", "b|$()"]),
        ("sh -c 'a $1 $0' n x", vec!["sh|-c|a $1 $0|n|x", "a|x|$0"]),
        ("case $x in y) f;; esac; f() { a; }; b", vec!["case|$x", "f", "a", "b"]),
        (
            "case \"$(a b)\" in *c) d;; e|g) h;; esac; for x in case in; do i; done",
            vec!["a|b", "case|$()", "d", "e", "h", "for|x|in|case|in", "i"],
        ),
    ] {
        assert_eq!(run(text), commands, "{text}");
    }
    let deep = format!(
        "{} a; {}; f0",
        (0..100).fold(String::new(), |s, i| format!("{s}f{i}() {{ f{}; ", i + 1)),
        "};".repeat(100)
    );
    assert!(run(&deep).len() < 20 * deep.len());
    let loud = format!("f() {{ {} }}; {}", "a $1;".repeat(1000), "f b;".repeat(1000));
    assert!(run(&loud).len() < 25_000);
}

#[test]
fn find_and_xargs_give_the_files_that_they_are_given() {
    for (text, commands) in [
        ("find a -name '*.b' -exec c -d {} \\;", vec!["find|a|-name|*.b|-exec|c|-d|{}|;", "c|-d|a/**/*.b"]),
        (
            "find -type f -exec sh -c 'c {}' ';' | d",
            vec!["find|-type|f|-exec|sh|-c|c {}|;", "sh|-c|c ./**/*", "c|./**/*", "d"],
        ),
        ("find . ! -name x -exec {} +", vec!["find|.|!|-name|x|-exec|{}|+", "./**/*"]),
        ("ls *.a | sort | xargs -r b -c", vec!["ls|*.a", "sort", "b|-c|*.a"]),
        ("echo 'a b' | xargs -I{} c /d/{}.e {}", vec!["echo|a b", "c|/d/a.e|/d/b.e|a|b"]),
        ("cat list | xargs a", vec!["cat|list", "a"]),
        ("a $(ls *.b) $(cat c)", vec!["ls|*.b", "cat|c", "a|*.b|$()"]),
    ] {
        assert_eq!(run(text), commands, "{text}");
    }
    let loud = format!("find a -exec {}", "b {} ".repeat(10_000));
    assert!(run(&loud).iter().map(String::len).sum::<usize>() < 40 * loud.len());
}
