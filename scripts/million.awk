# Turns the output of BenchmarkMillion into a table: the archive at its start, at its
# end, and at its end under full load.
/^BenchmarkMillion/ { for (i = 3; i < NF; i += 2) got[$(i + 1)] = $i }
END {
  print "## An archive that grows"
  print ""
  printf "Start: 4,000 documents of 4 KB; end: %d, filled by the store\047s commit path. Accepting: 600 documents of phase I from 16\n", documents
  print "senders. Queries one after another, through the whole pipeline with their log on the disk; under load beside 16 senders."
  print ""
  print "| | start | end | end, full load |"
  print "|---|---:|---:|---:|"
  row("documents accepted a second", "accept/s")
  row("metadata of a client, p50 ms", "metadata-p50-ms"); row("metadata of a client, p99 ms", "metadata-p99-ms")
  row("fetch of a document, p50 ms", "fetch-p50-ms"); row("fetch of a document, p99 ms", "fetch-p99-ms")
}
function row(name, unit) {
  printf "| %s | %.2f | %.2f | %.2f |\n", name, got["start-" unit], got["end-" unit], got["loaded-" unit]
}
