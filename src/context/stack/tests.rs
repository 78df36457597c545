use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn tree(files: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

/// Name and command of everything found, one a line.
fn found(files: &[(&str, &str)]) -> String {
    let line = |s: &Stack| format!("{}: {}", s.name, s.tests.as_ref().map_or("-", |t| &t.run));
    detect(&tree(files)).iter().map(line).collect::<Vec<_>>().join("; ")
}

#[test]
fn each_stack_by_its_signs() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[], ""),
        (&[("README.md", "cargo test")], ""),
        (&[("Cargo.toml", "[package]"), ("Cargo.lock", "")], "Rust: cargo test --locked --offline"),
        (&[("package.json", r#"{"scripts":{"test":"node --test"}}"#)], "Node: npm test"),
        (
            &[("package.json", r#"{"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}"#)],
            "Node: -",
        ),
        (&[("package.json", "{ broken")], "Node: -"),
        (
            &[("package.json", r#"{"scripts":{"test":"vitest"}}"#), ("pnpm-lock.yaml", "")],
            "Node (pnpm): pnpm test",
        ),
        (
            &[
                ("package.json", r#"{"scripts":{"test":"jest"},"packageManager":"yarn@4.1.0"}"#),
                ("package-lock.json", ""),
            ],
            "Node (yarn): yarn test",
        ),
        (&[("package.json", "{}"), ("bun.lock", ""), ("src/a.test.ts", "")], "Node (bun): bun test"),
        (&[("deno.json", "{}"), ("a_test.ts", "")], "Deno: deno test"),
        (&[("pyproject.toml", "[tool.pytest.ini_options]")], "Python: python3 -m pytest -q"),
        (&[("setup.py", ""), ("tests/conftest.py", "")], "Python: python3 -m pytest -q"),
        (&[("tests/test_a.py", "import pytest")], "Python: python3 -m pytest -q"),
        (&[("requirements.txt", "pytest==8"), ("tests/test_a.py", "")], "Python: python3 -m pytest -q"),
        (
            &[("tally/__init__.py", ""), ("tests/__init__.py", ""), ("tests/test_a.py", "import unittest")],
            "Python: python3 -m unittest -q",
        ),
        (&[("tests/test_a.py", "import unittest")], "Python: python3 -m unittest discover -q -s tests"),
        (&[("test_a.py", "import unittest")], "Python: python3 -m unittest -q"),
        (&[("setup.py", "")], "Python: -"),
        (&[("tox.ini", "[tox]")], "Python: tox"),
        (&[("manage.py", "import django"), ("app/tests.py", "")], "Python (Django): python3 manage.py test"),
        (&[("go.mod", "module x"), ("a/b_test.go", "")], "Go: go test ./..."),
        (&[("go.mod", "module x")], "Go: -"),
        (&[("pom.xml", ""), ("mvnw", ""), ("src/test/java/A.java", "")], "Java (Maven): ./mvnw -o -B test"),
        (&[("build.gradle.kts", ""), ("src/test/kotlin/A.kt", "")], "Java (Gradle): gradle --offline test"),
        (&[("x.sln", ""), ("X.Tests/X.Tests.csproj", "")], ".NET: dotnet test --no-restore"),
        (&[("mix.exs", ""), ("test/a_test.exs", "")], "Elixir: mix test"),
        (&[("Gemfile", ""), ("spec/a_spec.rb", "")], "Ruby: bundle exec rspec"),
        (&[("x.gemspec", ""), ("Rakefile", ""), ("test/a_test.rb", "")], "Ruby: bundle exec rake test"),
        (&[("composer.json", "{}"), ("phpunit.xml.dist", "")], "PHP: vendor/bin/phpunit"),
        (&[("composer.json", r#"{"scripts":{"test":"x"}}"#)], "PHP: composer test"),
        (
            &[("CMakeLists.txt", "enable_testing()")],
            "C/C++ (CMake): cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure",
        ),
        (&[("Makefile", "CC=cc\ncheck: all\n\t./t"), ("a.c", "")], "C/C++: -; Make: make check"),
        (&[("Makefile", "test := x\nall:\n")], "Make: -"),
        (&[("justfile", "test *ARGS:\n  x")], "just: just test"),
        (
            &[("web/package.json", r#"{"scripts":{"test":"x"}}"#), ("api/go.mod", ""), ("api/a_test.go", "")],
            "Go: cd api && go test ./...; Node: cd web && npm test",
        ),
        (&[("-x/go.mod", ""), ("a b/Cargo.toml", ""), (".hidden/Cargo.toml", "")], ""),
        (&[("$(touch x)/test_a.py", "")], "Python: python3 -m unittest -q"),
    ];
    for (files, expect) in cases {
        assert_eq!(found(files), *expect, "{files:?}");
    }
}

#[test]
fn a_project_s_own_entry_point_wins() {
    let files = [("Cargo.toml", ""), ("Makefile", "test:\n\tcargo test\n")];
    assert_eq!(main_tests(&detect(&tree(&files))).unwrap().run, "make test");
    let files = [("Cargo.toml", ""), ("Makefile", "all:\n")];
    assert_eq!(main_tests(&detect(&tree(&files))).unwrap().run, "cargo test --offline");
    assert!(main_tests(&[]).is_none());
}

proptest! {
    #[test]
    fn no_tree_makes_it_panic(files in prop::collection::btree_map("[a-zé/.$]{1,12}|package.json|pyproject.toml|Makefile", prop::collection::vec(any::<u8>(), 0..60), 0..8)) {
        drop(detect(&files));
    }
}
