# Turns the output of BenchmarkAccept into a table: medians by size, one row a stage.
function median(list,    v, n, i, j, t) {
  n = split(list, v, " ")
  for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] + 0 < v[j-1] + 0; j--) { t = v[j]; v[j] = v[j-1]; v[j-1] = t }
  return v[int((n + 1) / 2)]
}
/^BenchmarkAccept\// {
  split($1, name, "/"); sub(/-[0-9]+$/, "", name[2]); size = name[2]
  if (!(size in seen)) { seen[size] = 1; sizes[++count] = size }
  for (i = 3; i < NF; i += 2) got[size, $(i + 1)] = got[size, $(i + 1)] " " $i
}
/^BenchmarkSenders/ { for (i = 3; i < NF; i += 2) if ($(i + 1) == "messages/s") senders = senders " " $i }
/^Benchmark(InteractiveDuring|Migration|BackupUnderLoad)/ { for (i = 3; i < NF; i += 2) once[$(i + 1)] = $i }
END {
  split("20KB 200KB 2MB 20MB", order, " "); split("20000 200000 2000000 20000000", bytes, " ")
  rows = split("whole envelope frame mime document metadata xsd signature rules commit answer", row, " ")
  printf "| stage, ms |"; for (s = 1; s <= 4; s++) printf " %s |", order[s]; print ""
  printf "|---|"; for (s = 1; s <= 4; s++) printf "---:|"; print ""
  for (r = 1; r <= rows; r++) {
    printf "| %s |", row[r]
    for (s = 1; s <= 4; s++) {
      ms = row[r] == "whole" ? median(got[order[s], "ns/op"]) / 1e6 : median(got[order[s], row[r] "-µs/op"]) / 1e3
      if (row[r] == "whole") whole[s] = ms
      printf " %.2f |", ms
    }
    print ""
  }
  printf "| **MB/s** |"; for (s = 1; s <= 4; s++) printf " %.1f |", bytes[s] / 1e3 / whole[s]; print ""
  printf "| **messages a second** |"; for (s = 1; s <= 4; s++) printf " %.1f |", 1e3 / whole[s]; print ""
  printf "\nCost per byte at 20 MB: %.2f × that at 200 KB.\n\n", (whole[4] / bytes[4]) / (whole[2] / bytes[2])
  printf "16 senders at a time over HTTP, 20 KB each: %.0f messages a second.\n\n", median(senders)
  print "`document` is the parse, `signature` the verification, `commit` the archive."
  print "\n## A migration\n"
  printf "Pusher, gateway and archive on this machine, documents of about 20 KB of an old system with the relationships and cases around them: %.0f old documents a second with 8 at a time, %.0f with one; built and signed before at %.0f a second.\n", once["documents/s"], once["single-documents/s"], once["built/s"]
  print "\nAnother client beside it, 25 documents of 20 KB and 25 queries of metadata a second, over the wire (ratio: median over pairs of"
  printf "blocks with and without the migration at full speed, %.0f documents a second migrated):\n\n", once["migrated/s"]
  print "| | alone, p50 ms | p99 ms | beside, p50 ms | p99 ms | ratio of p99 |\n|---|---:|---:|---:|---:|---:|"
  printf "| a document archived | %.1f | %.1f | %.1f | %.1f | %.2f |\n", once["alone-p50-ms"], once["alone-p99-ms"], once["beside-p50-ms"], once["beside-p99-ms"], once["ratio"]
  printf "| a query | %.1f | %.1f | %.1f | %.1f | %.2f |\n\n", once["alone-query-p50-ms"], once["alone-query-p99-ms"], once["beside-query-p50-ms"], once["beside-query-p99-ms"], once["query-ratio"]
  printf "Most memory over %d rows, one document in a thousand near 1 MB: builder %.0f MB, pusher %.0f MB, gateway %.0f MB.\n", rows_migrated, once["builder-MB"], once["pusher-MB"], once["gateway-MB"]
  printf "On disk a row: old system %.0f KB, work folder %.0f KB, archive %.0f KB.\n", once["old-KB/row"], once["work-KB/row"], once["archive-KB/row"]
  print "\n## A backup under load\n"
  printf "Commits of 20 KB documents while a backup is made: p99 %.2f × that without (median of pairs of blocks).\n", once["p99-ratio"]
}
