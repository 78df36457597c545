//! The closed list of git's verbs that the host may run.
//!
//! Owns what `reset`, `stash`, `clean`, `checkout` and their like are absent from (T29); a test compares the
//! list with a golden one. Start with [`Verb::words`].

/// Every verb of git that the host runs, with the words that fix its harmless form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Verb {
    CheckAttr,
    CheckRefFormat,
    Clone,
    /// In the quarantine alone: the user's repository is the user's to pack.
    CollectGarbage,
    CommitTree,
    ConfigGet,
    ConfigSet,
    DiffIndex,
    Fetch,
    IndexPack,
    Init,
    LsFiles,
    MergeTree,
    MkTree,
    Push,
    ReadTree,
    RefreshIndex,
    RevList,
    RevParse,
    ShowRef,
    Status,
    SymbolicRefRead,
    SymbolicRefSet,
    UpdateRef,
    Version,
    WorktreeList,
}

impl Verb {
    pub(crate) fn words(self) -> &'static [&'static str] {
        match self {
            Self::CheckAttr => &["check-attr", "-z", "--stdin"],
            Self::CheckRefFormat => &["check-ref-format"],
            Self::Clone => &["clone", "--no-local", "--single-branch", "--no-tags", "--template="],
            Self::CollectGarbage => &["gc", "--quiet"],
            Self::CommitTree => &["commit-tree"],
            Self::ConfigGet => &["config", "--null", "--get-regexp"],
            Self::ConfigSet => &["config", "--local"],
            Self::DiffIndex => &["diff-index", "--cached", "-z", "--name-only", "--ignore-submodules=dirty"],
            Self::Fetch => &["fetch"],
            Self::IndexPack => &["index-pack", "--stdin", "--fix-thin", "--strict"],
            Self::Init => &["init", "--quiet", "--bare", "--template=", "--shared=0644"],
            Self::LsFiles => &["ls-files", "-z"],
            Self::MergeTree => &["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"],
            Self::MkTree => &["mktree", "-z"],
            Self::Push => &["push", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags"],
            Self::ReadTree => &["read-tree"],
            Self::RefreshIndex => &["update-index", "-q", "--refresh"],
            Self::RevList => &["rev-list"],
            Self::RevParse => &["rev-parse"],
            Self::ShowRef => &["show-ref", "--verify"],
            Self::Status => &["status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames"],
            Self::SymbolicRefRead => &["symbolic-ref", "--quiet"],
            Self::SymbolicRefSet => &["symbolic-ref"],
            Self::UpdateRef => &["update-ref"],
            Self::Version => &["version"],
            Self::WorktreeList => &["worktree", "list", "--porcelain", "-z"],
        }
    }
}
