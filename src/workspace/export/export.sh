# Runs in a container without network: $1 the clone (read-only), $2 an empty folder in memory, $3 the base
# commit, $4 seconds since 1970 for the commit of leftovers. Prints one header line, then a bundle.
# No git here ever reads the clone's configuration: it works in a repository of its own under $2.
set -u
umask 077
work=$1 out=$2 base=$3 at=$4
dot=$work/.git
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
unset GIT_CONFIG_PARAMETERS GIT_CONFIG_COUNT GIT_EXTERNAL_DIFF GIT_NAMESPACE
export LC_ALL=C HOME="$out" GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_ATTR_NOSYSTEM=1
export GIT_NO_REPLACE_OBJECTS=1 GIT_TERMINAL_PROMPT=0 GIT_LITERAL_PATHSPECS=1 GIT_NO_LAZY_FETCH=1

finish() { # status tip wip
  printf 'BEADEXPORT1 %s %s %s\n' "$1" "$2" "$3"
  exit 0
}
fail() { finish "$1" - 0; }
is_id() { # forty lower-case hex digits
  case $1 in *[!0-9a-f]*) return 1 ;; esac
  [ "${#1}" -eq 40 ]
}
first_line() { # a regular file's first line, in $line; of a huge one only the beginning
  line=
  [ -f "$1" ] && [ ! -L "$1" ] || return 1
  line=$(head -c 300 "$1" | tr -d '\000' | head -n 1)
  [ -n "$line" ]
}

# 1. The clone must be what we handed over: real folders, no detour to other objects, nothing that blocks.
for folder in "$work" "$dot" "$dot/objects"; do
  if [ ! -d "$folder" ] || [ -L "$folder" ]; then fail clone_replaced; fi
done
for file in alternates http-alternates; do
  if [ -e "$dot/objects/info/$file" ] || [ -L "$dot/objects/info/$file" ]; then fail alternates; fi
done
odd=$(find "$dot/objects" ! -type f ! -type d -print 2>/dev/null | head -n 1)
[ -z "$odd" ] || fail object_files
odd=$(find "$work" -path "$dot" -prune -o \( -name .gitignore -o -name .gitattributes -o -name .gitmodules \
  -o -name .git -o -path '*/.git/*' \) \
  ! -type f ! -type d ! -type l -print 2>/dev/null | head -n 1)
[ -z "$odd" ] || fail special_file

# 2. The tip, read as text.
first_line "$dot/HEAD" || fail no_head
case $line in
  'ref: refs/heads/'*)
    name=${line#ref: }
    case $name in *..* | *//* | */ | *[!A-Za-z0-9._/@+=,-]*) fail no_head ;; esac
    if first_line "$dot/$name"; then
      tip=$line
    else
      tip=
      if [ -f "$dot/packed-refs" ] && [ ! -L "$dot/packed-refs" ]; then
        tip=$(head -c 10000000 "$dot/packed-refs" | sed -n "s|^\\([0-9a-f]\\{40\\}\\) $name\$|\\1|p" | head -n 1)
      fi
    fi
    [ -n "$tip" ] || fail unborn
    ;;
  *) tip=$line ;;
esac
is_id "$tip" && is_id "$base" || fail no_head

# 3. Our own repository, with the clone's objects to read from.
git init --quiet --bare --template= "$out/own" >&2 || fail no_space
printf '%s\n' "$dot/objects" > "$out/own/objects/info/alternates" 2>/dev/null ||
  { mkdir -p "$out/own/objects/info" && printf '%s\n' "$dot/objects" > "$out/own/objects/info/alternates"; } ||
  fail no_space
# What interpreters leave behind when tests run is nobody's work, also where no .gitignore says so.
mkdir -p "$out/own/info" && printf '%s\n' '__pycache__/' '*.py[cod]' > "$out/own/info/exclude" || fail no_space
export GIT_DIR="$out/own" GIT_WORK_TREE="$work" GIT_INDEX_FILE="$out/index"
g() {
  git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c gc.auto=0 -c maintenance.auto=false \
    -c core.commitGraph=false -c core.multiPackIndex=false -c core.quotePath=false -c advice.addEmbeddedRepo=false \
    -c submodule.recurse=false -c core.fsync=none "$@"
}
[ "$(g cat-file -t "$tip" 2>/dev/null)" = commit ] || fail tip_missing
[ "$(g cat-file -t "$base" 2>/dev/null)" = commit ] || fail base_missing

# 4. What was not committed becomes one marked commit.
cd "$work" || fail clone_replaced
g read-tree "$tip" >&2 || fail tip_unreadable
g add --all --ignore-errors -- . >&2
added=$?
# A repository inside the work is not the work: its pointer would be refused as a submodule.
g diff-index --cached --raw --no-renames "$tip" 2>/dev/null |
  sed -n 's/^:000000 160000 [^	]*	//p' | tr '\n' '\000' |
  g update-index -z --force-remove --stdin >&2
# Files that git could not read are left behind; a folder in memory that is full is not.
tree=$(g write-tree) || fail no_space
if [ "$added" -ne 0 ] && ! : > "$out/probe"; then fail no_space; fi
wip=0
if [ "$tree" != "$(g rev-parse --verify --quiet "$tip^{tree}")" ]; then
  export GIT_AUTHOR_NAME=Beadwork GIT_AUTHOR_EMAIL=bead@localhost GIT_AUTHOR_DATE="@$at +0000"
  export GIT_COMMITTER_NAME=Beadwork GIT_COMMITTER_EMAIL=bead@localhost GIT_COMMITTER_DATE="@$at +0000"
  message='WIP: left uncommitted by the agent

Bead-WIP: true'
  tip=$(printf '%s\n' "$message" | g commit-tree "$tree" -p "$tip") || fail no_space
  wip=1
fi
[ "$tip" != "$base" ] || finish unchanged "$tip" 0

# 5. Header, then everything that the base does not have.
g update-ref refs/heads/export "$tip" >&2 || fail no_space
[ -n "$(g rev-list --max-count=1 "$tip" "^$base" 2>/dev/null)" ] || fail not_ahead
printf 'BEADEXPORT1 ok %s %s\n' "$tip" "$wip"
exec git -c core.commitGraph=false -c core.multiPackIndex=false -c pack.threads=1 \
  bundle create --quiet --version=2 - refs/heads/export "^$base"
