use super::*;

fn shaped(line: &str, form: Form) -> String {
    let mut record = Record::parse(line).unwrap();
    reshape(&mut record, form, &mut 7);
    record.render()
}

#[test]
fn times_have_a_z_and_what_is_so_already_keeps_its_bytes() {
    let line = r#"{"id":"a-1" , "title":"t","created_at":"2026-01-01T10:00:00.50+02:00","due_at":"soon","x":"2026-01-01T10:00:00+02:00","dependencies":[ {"issue_id":"a-1","created_at":"2026-01-01T00:00:00-08:00","x":1e3} ]}"#;
    let out = shaped(line, Form::Classic);
    assert!(
        out.contains(
            r#""created_at":"2026-01-01T08:00:00.5Z","due_at":"soon","x":"2026-01-01T10:00:00+02:00""#
        ),
        "{out}"
    );
    assert!(out.contains(r#""created_at":"2026-01-01T08:00:00Z","x":1e3}]"#), "{out}");
    assert_eq!(shaped(&out, Form::Classic), out);
    let odd = r#"{ "id":"a-1","comments":[ {"id":3} , 7 ],"dependencies":{},"created_at":7}"#;
    assert_eq!(shaped(odd, Form::Classic), odd);
}

#[test]
fn comments_have_the_ids_that_each_form_reads() {
    let line =
        r#"{"id":"a-1","comments":[{"id":"01a1","text":"a"},{"id":"7","text":"b"},{"id":2,"text":"c"}]}"#;
    assert_eq!(
        shaped(line, Form::Classic),
        r#"{"id":"a-1","comments":[{"id":8,"text":"a"},{"id":7,"text":"b"},{"id":2,"text":"c"}]}"#
    );
    assert!(shaped(line, Form::Modern).contains(r#"{"id":"2","text":"c"}"#));
}

#[test]
fn the_words_on_the_command_line_are_the_forms() {
    for form in [Form::Classic, Form::Modern] {
        assert_eq!(form.to_string().parse(), Ok(form));
    }
    assert!("modern".parse::<Form>().is_err());
}
