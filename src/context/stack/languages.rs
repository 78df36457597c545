//! The signs of each language and tool, one function each.
//!
//! Owns nothing but this table. A test command is given only where the tree shows that there are tests or a
//! test script. Start with [`all`].

use super::{Stack, TestCommand, Tree};

pub(super) fn all(tree: &Tree<'_>) -> Vec<Stack> {
    let looks: &[fn(&Tree<'_>) -> Option<Stack>] =
        &[rust, node, deno, python, go, maven, gradle, dotnet, elixir, ruby, php, cmake, just, make];
    looks.iter().filter_map(|look| look(tree)).collect()
}

fn stack(name: &str, tests: Option<(&str, &str)>) -> Option<Stack> {
    let tests = tests.map(|(run, because)| TestCommand { run: run.to_owned(), because: because.to_owned() });
    Some(Stack { name: name.to_owned(), tests })
}

fn rust(tree: &Tree<'_>) -> Option<Stack> {
    // Cargo.lock is the sign that the build can do without the network.
    let offline =
        if tree.has("Cargo.lock") { "cargo test --locked --offline" } else { "cargo test --offline" };
    tree.has("Cargo.toml").then(|| stack("Rust", Some((offline, "Cargo.toml"))))?
}

fn node(tree: &Tree<'_>) -> Option<Stack> {
    if !tree.has("package.json") {
        return None;
    }
    let manifest: serde_json::Value = serde_json::from_str(&tree.text("package.json")).unwrap_or_default();
    let named = manifest["packageManager"].as_str().unwrap_or_default();
    let locks =
        [("bun.lock", "bun"), ("bun.lockb", "bun"), ("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn")];
    let by_name = ["pnpm", "yarn", "bun"].into_iter().find(|tool| named.starts_with(tool));
    let by_lock = locks.into_iter().find(|(lock, _)| tree.has(lock)).map(|(_, tool)| tool);
    let tool = by_name.or(by_lock).unwrap_or("npm");
    let script = manifest["scripts"]["test"].as_str().unwrap_or_default();
    // What `npm init` writes is not a test.
    let real = !script.trim().is_empty() && !script.contains("no test specified");
    let run = if tool == "bun" { "bun run test".to_owned() } else { format!("{tool} test") };
    let bun_tests = tool == "bun" && tree.any(is_js_test);
    let tests = if real {
        Some((run.as_str(), "package.json: scripts.test"))
    } else if bun_tests {
        Some(("bun test", "test files and a bun lock file"))
    } else {
        None
    };
    stack(&if tool == "npm" { "Node".to_owned() } else { format!("Node ({tool})") }, tests)
}

fn is_js_test(path: &str) -> bool {
    let script = [".js", ".ts", ".mjs", ".jsx", ".tsx"].iter().any(|end| path.ends_with(end));
    script && (path.contains(".test.") || path.contains(".spec."))
}

fn deno(tree: &Tree<'_>) -> Option<Stack> {
    let sign = tree.first(&["deno.json", "deno.jsonc"])?;
    let tests = tree.any(|path| is_js_test(path) || path.ends_with("_test.ts"));
    stack("Deno", tests.then_some(("deno test", sign.as_str())))
}

fn python(tree: &Tree<'_>) -> Option<Stack> {
    let manifest =
        tree.first(&["pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "tox.ini", "Pipfile"]);
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let is_test = |path: &str| {
        let name = base(path);
        name.ends_with(".py") && (name.starts_with("test") || name.ends_with("_test.py"))
    };
    let tests: Vec<&str> = tree.paths().filter(|path| is_test(path)).take(20).collect();
    if manifest.is_none() && tests.is_empty() && !tree.any(|path| path.ends_with(".py")) {
        return None;
    }
    let says = |file: &str, word: &str| tree.text(file).contains(word);
    let config = [
        ("pytest.ini", "["),
        ("pyproject.toml", "[tool.pytest"),
        ("setup.cfg", "[tool:pytest]"),
        ("tox.ini", "[pytest]"),
    ];
    let config = config.into_iter().find(|(file, word)| says(file, word)).map(|(file, _)| file);
    let wants = [
        "pyproject.toml",
        "requirements.txt",
        "requirements-dev.txt",
        "dev-requirements.txt",
        "setup.cfg",
        "setup.py",
        "tox.ini",
        "Pipfile",
    ];
    let needs = wants.into_iter().find(|file| says(file, "pytest"));
    let imports = tests.iter().copied().find(|path| tree.text(path).contains("import pytest"));
    let conftest = tree.paths().find(|path| base(path) == "conftest.py");
    if let Some(because) = config.or(conftest).or(imports).or(needs.filter(|_| !tests.is_empty())) {
        return stack("Python", Some(("python3 -m pytest -q", because)));
    }
    if tree.has("manage.py") && says("manage.py", "django") && !tests.is_empty() {
        return stack("Python (Django)", Some(("python3 manage.py test", "manage.py")));
    }
    let Some(first) = tests.first() else {
        return stack("Python", tree.has("tox.ini").then_some(("tox", "tox.ini")));
    };
    // unittest finds test files in the root and in packages; others have to be named.
    let folder = first.split_once('/').map(|(folder, _)| folder);
    match folder {
        Some(folder) if !tree.has(&format!("{folder}/__init__.py")) && is_plain(folder) => {
            stack("Python", Some((&format!("python3 -m unittest discover -q -s {folder}"), first)))
        }
        _ => stack("Python", Some(("python3 -m unittest -q", first))),
    }
}

fn is_plain(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b)) && !name.starts_with('-')
}

fn go(tree: &Tree<'_>) -> Option<Stack> {
    let tests = tree.any(|path| path.ends_with("_test.go"));
    tree.has("go.mod").then(|| stack("Go", tests.then_some(("go test ./...", "go.mod and test files"))))?
}

fn maven(tree: &Tree<'_>) -> Option<Stack> {
    let run = if tree.has("mvnw") { "./mvnw -o -q test" } else { "mvn -o -q test" };
    let tests = tree.any(|path| path.contains("src/test/"));
    // Without -q, so that surefire prints how many tests ran.
    let run = run.replace(" -q", " -B");
    tree.has("pom.xml")
        .then(|| stack("Java (Maven)", tests.then_some((run.as_str(), "pom.xml and src/test"))))?
}

fn gradle(tree: &Tree<'_>) -> Option<Stack> {
    tree.first(&["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"])?;
    let run = if tree.has("gradlew") { "./gradlew --offline test" } else { "gradle --offline test" };
    let tests = tree.any(|path| path.contains("src/test/"));
    stack("Java (Gradle)", tests.then_some((run, "Gradle build and src/test")))
}

fn dotnet(tree: &Tree<'_>) -> Option<Stack> {
    let project = |path: &str| [".sln", ".slnx", ".csproj", ".fsproj"].iter().any(|end| path.ends_with(end));
    let tests = tree.any(|path| project(path) && path.to_lowercase().contains("test"));
    tree.any(project)
        .then(|| stack(".NET", tests.then_some(("dotnet test --no-restore", "a test project"))))?
}

fn elixir(tree: &Tree<'_>) -> Option<Stack> {
    let tests = tree.any(|path| path.ends_with("_test.exs"));
    tree.has("mix.exs").then(|| stack("Elixir", tests.then_some(("mix test", "mix.exs and test files"))))?
}

fn ruby(tree: &Tree<'_>) -> Option<Stack> {
    let gem = tree.first(&["Gemfile", "Rakefile"]).is_some()
        || tree.any(|p| p.ends_with(".gemspec") && !p.contains('/'));
    if !gem {
        return None;
    }
    if tree.any(|path| path.ends_with("_spec.rb")) {
        return stack("Ruby", Some(("bundle exec rspec", "spec files")));
    }
    let tests = tree.any(|path| path.ends_with("_test.rb") || path.starts_with("test/test_"));
    stack(
        "Ruby",
        (tests && tree.has("Rakefile")).then_some(("bundle exec rake test", "Rakefile and test files")),
    )
}

fn php(tree: &Tree<'_>) -> Option<Stack> {
    if !tree.has("composer.json") {
        return None;
    }
    let manifest: serde_json::Value = serde_json::from_str(&tree.text("composer.json")).unwrap_or_default();
    if !manifest["scripts"]["test"].is_null() {
        return stack("PHP", Some(("composer test", "composer.json: scripts.test")));
    }
    let config = tree.first(&["phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"]);
    stack("PHP", config.as_deref().map(|config| ("vendor/bin/phpunit", config)))
}

fn cmake(tree: &Tree<'_>) -> Option<Stack> {
    let lists = tree.text("CMakeLists.txt");
    let tests = lists.contains("enable_testing") || lists.contains("include(CTest)");
    let run = "cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure";
    if tree.has("CMakeLists.txt") {
        return stack("C/C++ (CMake)", tests.then_some((run, "CMakeLists.txt")));
    }
    let c = tree.any(|path| [".c", ".cc", ".cpp", ".cxx"].iter().any(|end| path.ends_with(end)));
    (c && tree.has("Makefile")).then(|| stack("C/C++", None))?
}

fn just(tree: &Tree<'_>) -> Option<Stack> {
    let file = tree.first(&["justfile", "Justfile", ".justfile"])?;
    let tests = has_target(&tree.text(&file), "test");
    stack("just", tests.then_some(("just test", file.as_str())))
}

fn make(tree: &Tree<'_>) -> Option<Stack> {
    let file = tree.first(&["GNUmakefile", "makefile", "Makefile"])?;
    let text = tree.text(&file);
    let target = ["test", "check", "tests"].into_iter().find(|target| has_target(&text, target));
    let run = target.map(|target| format!("make {target}"));
    stack("Make", run.as_deref().map(|run| (run, file.as_str())))
}

/// True for `test:` and `test arg:` at the beginning of a line, false for `test := x`.
fn has_target(text: &str, name: &str) -> bool {
    text.lines().any(|line| {
        let Some(rest) = line.strip_prefix(name) else { return false };
        let Some((head, tail)) = rest.split_once(':') else { return false };
        (head.is_empty() || head.starts_with(' ')) && !tail.starts_with('=') && !head.contains('=')
    })
}
