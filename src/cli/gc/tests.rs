use super::size;

#[test]
fn sizes_read_well() {
    let shown = [0, 900, 2048, 5 << 20, (3 << 30) + (1 << 29)].map(size);
    assert_eq!(shown, ["0 B", "900 B", "2 KiB", "5.0 MiB", "3.5 GiB"]);
}
