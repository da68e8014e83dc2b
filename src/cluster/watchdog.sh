# Runs a PostgreSQL server for as long as our standard input stays open, then stops it and removes its folder.
# The other end of that input is held by peerpress alone, so the server goes when peerpress goes, even by `kill -9`.
#
# Arguments: the folder to remove, then the server's command line.
folder=$1
shift

# The shell gives background commands /dev/null for input, hence the copy.
exec 3<&0

"$@" </dev/null 3<&- &
server=$!

# Nothing in the cluster is worth keeping: an immediate shutdown, without a last checkpoint.
(
    read -r _ <&3
    kill -QUIT "$server"
) >/dev/null 2>&1 &
watcher=$!
exec 3<&- </dev/null

wait "$server"
status=$?
kill "$watcher" 2>/dev/null
cd /
rm -rf "$folder" 2>/dev/null
exit "$status"
