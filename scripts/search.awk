# Turns the output of BenchmarkPages, BenchmarkLogSearch and BenchmarkMessages into
# tables: what people wait for.
/^BenchmarkPages/ { for (i = 3; i < NF; i += 2) if ($(i + 1) ~ /-p95-ms$/) page[++pages] = sprintf("| %s | %.1f |", substr($(i + 1), 1, length($(i + 1)) - 7), $i) }
/^BenchmarkLogSearch\// { log_rows[++logs] = sprintf("| usage log by %s | %.1f |", named($1), $3 / 1e6) }
/^BenchmarkMessages\// { message[++messages] = sprintf("| messages by %s | %.1f |", named($1), $3 / 1e6) }
END {
  printf "## Pages and searches\n\nServer time of the pages on an archive of %d documents, 95th percentile.\n\n| page | ms |\n|---|---:|\n", documents
  for (i = 1; i <= pages; i++) print page[i]
  printf "\nSearches in the store, mean: a usage log of %d rows, a message log of %d.\n\n| search | ms |\n|---|---:|\n", rows, asked
  for (i = 1; i <= logs; i++) print log_rows[i]
  for (i = 1; i <= messages; i++) print message[i]
}
function named(s) { sub(/^[^\/]*\//, "", s); sub(/-[0-9]+$/, "", s); return s }
