use super::*;

fn socket(host: Option<&str>) -> Result<PathBuf, ExecutorError> {
    socket_of(&Access { host: host.map(str::to_owned), ..Access::default() })
}

#[test]
fn docker_host_is_read_as_dockers_client_reads_it() {
    assert_eq!(socket(Some("unix:///x/y.sock")).unwrap(), Path::new("/x/y.sock"));
    for none in [None, Some("")] {
        assert_eq!(socket(none).unwrap(), Path::new(DEFAULT_SOCKET));
    }
}

#[test]
fn an_engine_elsewhere_is_refused() {
    for host in
        ["tcp://10.0.0.1:2375", "ssh://me@host", "http://x", "npipe:////./pipe/x", "unix://relative", "x"]
    {
        assert!(matches!(socket(Some(host)), Err(ExecutorError::Remote { .. })), "{host}");
    }
}

#[tokio::test]
async fn f15_no_engine_is_unreachable_and_says_where() {
    let access = Access { host: Some("unix:///nowhere/docker.sock".into()), ..Access::default() };
    let Err(error) = Docker::connect(access).await else { panic!("connected to nothing") };
    assert!(
        error.to_string().starts_with("no container engine answers at unix:///nowhere/docker.sock"),
        "{error}"
    );
}
