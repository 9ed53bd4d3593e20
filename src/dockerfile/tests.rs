use super::*;

fn errors(text: &str) -> Vec<(usize, String)> {
    Dockerfile::parse(text).errors.into_iter().map(|error| (error.at.line, error.message)).collect()
}

/// Each instruction: its line, its keyword, and the values of its words or pairs.
fn read(text: &str) -> Vec<String> {
    let file = Dockerfile::parse(text);
    assert_eq!(file.errors, []);
    let word = |word: &Word| word.value.clone().unwrap_or_else(|| format!("?{}", word.raw));
    let words = |words: &[Word]| words.iter().map(word).collect::<Vec<_>>().join("|");
    file.instructions
        .iter()
        .map(|i| {
            let arguments = match &i.arguments {
                Arguments::From(image) => word(image),
                Arguments::Copy { sources, target } => format!("{} > {}", words(sources), word(target)),
                Arguments::Pairs(pairs) => {
                    let pair =
                        |pair: &Pair| format!("{}={}", pair.name, pair.value.as_ref().map_or("-".to_owned(), word));
                    pairs.iter().map(pair).collect::<Vec<_>>().join("|")
                }
                Arguments::Command(Command::Exec(list)) => format!("[{}]", words(list)),
                Arguments::Command(Command::Shell(text)) => text.value.clone(),
                Arguments::Words(list) => words(list),
            };
            let flags: String =
                i.flags.iter().map(|f| format!("--{}={} ", f.name, f.value.as_deref().unwrap_or("-"))).collect();
            let heredocs: String = i.heredocs.iter().map(|h| format!(" <{}:{:?}>", h.is_stdin, h.text)).collect();
            let onbuild = if i.is_onbuild { "ONBUILD " } else { "" };
            let line = file.place(i.span.clone()).line;
            format!("{line} {onbuild}{} {flags}{arguments}{heredocs}", i.keyword.as_str())
        })
        .collect()
}

#[test]
fn instructions_are_read_as_buildkit_reads_them() {
    let text = "\u{feff}# syntax=docker/dockerfile:1\n# a comment\nARG V=12\nfrom debian:$V AS Base\n\
        ENV A=1 B=\"x y\" C='$A'\nENV OLD a b\n  RUN a \\\n    # between\n\n  b \\ \n  && c\nLABEL a=b\n\
        ADD --chown=app:app --checksum=$V [\"a b\", \"/c\"]\nEXPOSE 80 $A/udp\nUSER app:app\nHEALTHCHECK --interval=1s CMD curl x\n\
        HEALTHCHECK NONE\nONBUILD COPY . /app\nENTRYPOINT [\"/app\", \"$A\"]\nCMD [ \"broken' ]\n";
    assert_eq!(
        read(text),
        [
            "3 ARG V=12",
            "4 FROM debian:12",
            "5 ENV A=1|B=x y|C=$A",
            "6 ENV OLD=a b",
            "7 RUN a   b   && c",
            "12 LABEL a=b",
            "13 ADD --chown=app:app --checksum=$V a b > /c",
            "14 EXPOSE 80|1/udp",
            "15 USER app:app",
            "16 HEALTHCHECK --interval=1s curl x",
            "17 HEALTHCHECK ",
            "18 ONBUILD COPY . > /app",
            "19 ENTRYPOINT [/app|$A]",
            "20 CMD [ \"broken' ]",
        ]
    );
}

#[test]
fn here_documents_are_no_instructions() {
    let text = "FROM a\nRUN cat <<EOF > /x\nRUN b\nEOF\nRUN <<-'E1' <<E2 3<<E3\n\tone\n\tE1\ntwo\nE2\nE3\nCOPY <<a b /c/\nx\na\n\
        RUN echo \"<<x\" $((1<<2)) <<< y\nCOPY x y\n";
    assert_eq!(
        read(text),
        [
            "1 FROM a",
            "2 RUN cat <<EOF > /x <true:\"RUN b\\n\">",
            "5 RUN <<-'E1' <<E2 3<<E3 <true:\"\\tone\\n\"> <true:\"two\\n\"> <false:\"\">",
            "11 COPY b > /c/ <true:\"x\\n\">",
            "14 RUN echo \"<<x\" $((1<<2)) <<< y",
            "15 COPY x > y",
        ]
    );
    let text = "FROM a\nCOPY <<a b /c/\nx\n";
    assert_eq!(errors(text), [(2, "the here-document has no end; add a line with `a` alone".to_owned())]);
}

#[test]
fn windows_escapes_with_a_backtick() {
    let text = "# escape=`\r\nFROM a\r\nRUN dir c:\\ `\r\n  b\r\nCOPY a c:\\\r\nCOPY a d:\\x\r\n";
    assert_eq!(read(text), ["2 FROM a", "3 RUN dir c:\\   b", "5 COPY a > c:\\", "6 COPY a > d:\\x"]);
}

#[test]
fn a_stage_has_the_variables_of_the_stage_below_and_declared_ones() {
    let text = "ARG G=1\nARG N\nFROM a AS one\nARG G\nARG L=2\nENV E=$G$L\nENV L=3\nARG L=4\nEXPOSE $L\n\
        FROM one\nEXPOSE $E $L $G\nFROM $N\nEXPOSE $E\nFROM scratch\n";
    let file = Dockerfile::parse(text);
    let ports: Vec<Option<&str>> = file
        .instructions
        .iter()
        .filter(|i| i.keyword == Keyword::Expose)
        .flat_map(Instruction::words)
        .map(|w| w.value.as_deref())
        .collect();
    assert_eq!(ports, [Some("3"), Some("12"), Some("3"), None, None]);
    let bases: Vec<&Base> = file.stages.iter().map(|stage| &stage.base).collect();
    assert_eq!(bases, [&Base::Image(Some("a".to_owned())), &Base::Stage(0), &Base::Image(None), &Base::Scratch]);
    assert_eq!(
        file.with_bases(&file.stages[1]).map(|stage| stage.name.as_deref()).collect::<Vec<_>>(),
        [None, Some("one")]
    );
    assert_eq!(file.last_stage().map(|stage| stage.instructions.clone()), Some(13..14));
}

#[test]
fn a_fault_is_named_and_hides_nothing() {
    let text = "RUN a\nFROM b c\nFROM d\nCOPY x\nRUNN y\nHEALTHCHECK curl\nUSER\nEXPOSE 80\n";
    assert_eq!(
        errors(text),
        [
            (1, "RUN stands before the first FROM; move it below".to_owned()),
            (2, "FROM needs an image, and AS before a name".to_owned()),
            (4, "COPY needs a source and a target".to_owned()),
            (5, "`RUNN` is no instruction of a Dockerfile".to_owned()),
            (6, "HEALTHCHECK needs CMD or NONE".to_owned()),
            (7, "USER needs an argument".to_owned()),
        ]
    );
    assert_eq!(Dockerfile::parse(text).instructions.len(), 2);
    // A value is not repeated.
    assert_eq!(errors("FROM a\nTOKEN=abc123 make\n")[0].1, "`TOKEN` is no instruction of a Dockerfile");
    assert_eq!(errors("# nothing\n")[0].0, 1);
    let commands = format!("FROM a\nRUN b\nRUN {}\nRUN c\n", "cat|sh|".repeat(20_000));
    assert_eq!(errors(&commands), [(3, "there are more than 20000 commands; move them to a script".to_owned())]);
    let many = "FROM a\n".repeat(300);
    assert_eq!(errors(&many).first().map(|error| error.0), Some(257));
}

#[test]
fn places_are_lines_and_characters() {
    let file = Dockerfile::parse("FROM a\nRUN é && \\\n  x y\n");
    let Arguments::Command(Command::Shell(text)) = &file.instructions[1].arguments else { panic!("a shell") };
    let place = file.place(text.span(text.value.find('y').unwrap()..text.value.len()));
    assert_eq!((place.line, place.column, &file.text()[place.span]), (3, 5, "y"));
    assert_eq!((file.place(0..0).line, file.place(0..0).column), (1, 1));
}

#[test]
fn places_on_a_very_long_line_are_characters() {
    let text = format!("FROM a\nRUN {}\nRUN b", "é;".repeat(10_000));
    let file = Dockerfile::parse(&text);
    let begin = text.find('é').unwrap();
    for at in 0..10_000 {
        let place = file.place(begin + 3 * at..begin + 3 * at + 1);
        assert_eq!((place.line, place.column), (2, 5 + 2 * at));
    }
    let end = file.place(text.len()..text.len());
    assert_eq!((end.line, end.column), (3, 6));
}

#[test]
fn a_build_makes_the_last_stage_and_those_that_no_other_uses() {
    let text = "FROM a AS one\nCMD x\nFROM b AS two\nFROM one AS three\nFROM c AS four\nFROM d AS five\nFROM e\n\
        COPY --from=Two /a /b\nRUN --mount=type=bind,from=4,target=/x ls\n";
    let file = Dockerfile::parse(text);
    let targets: Vec<usize> = file.targets().map(|(index, _)| index).collect();
    assert_eq!(targets, [2, 3, 5]);
    assert_eq!(file.targets().map(|(_, stage)| stage.instructions.len()).sum::<usize>(), 5);
}

#[test]
fn a_stage_starts_what_the_stage_below_does() {
    let text = "FROM a AS one\nENTRYPOINT e1\nCMD c1\nHEALTHCHECK CMD h1\nFROM one AS two\nCMD c2\nCMD c3\nFROM two\nENTRYPOINT e2\n";
    let file = Dockerfile::parse(text);
    let started = |index: usize| {
        let Started { entrypoint, command, healthcheck } = file.started(&file.stages[index]);
        let line = |one: Option<&Instruction<'_>>| one.map(|one| file.place(one.span.clone()).line);
        [line(entrypoint), line(command), line(healthcheck)]
    };
    assert_eq!(started(0), [Some(2), Some(3), Some(4)]);
    assert_eq!(started(1), [Some(2), Some(7), Some(4)]);
    assert_eq!(started(2), [Some(9), None, Some(4)]);
}

#[test]
fn mounts_have_the_defaults_of_buildkit() {
    let text = "FROM a\nRUN --mount=target=/x --mount=type=cache,id=i,target=/c --mount=type=bind,from=b,src=/s,dst=y \\\n  \
        --mount=type=cache,from=c,target=/z --mount=type=secret,id=d --mount=type=tmpfs,target=/t ls\n";
    let file = Dockerfile::parse(text);
    let mounts: Vec<Mount<'_>> = file.instructions[1].mounts().collect();
    let mount = |from, source, target, cache| Mount { from, source, target, cache };
    assert_eq!(
        mounts,
        [
            mount(None, "/", "/x", None),
            mount(None, "/", "/c", Some("i")),
            mount(Some("b"), "/s", "y", None),
            mount(Some("c"), "/", "/z", Some("")),
            mount(None, "/", "/t", None),
        ]
    );
}
