# Turns the output of BenchmarkRules, BenchmarkThousandFaults and BenchmarkPDF into a
# section: what judging costs beside parsing, schema and signature.
function metric(unit,    i) {
  for (i = 3; i <= NF; i++) if ($i == unit) return $(i - 1)
  return "?"
}
/^BenchmarkRules/ { rules = metric("cpu-µs/op"); size = metric("KB") }
/^BenchmarkThousandFaults\// {
  name = $1; sub(/^BenchmarkThousandFaults\//, "", name); sub(/-[0-9]+$/, "", name); gsub(/_/, " ", name)
  rows = rows "| " name " | " metric("findings") " | " metric("times") " |\n"
}
/^BenchmarkPDF/ { pdf = $3 / 1000 }
END {
  print "## Rules"
  print ""
  print "A document of " size " KB (XHTML and JSON), its frame and body judged without parsing, schema and signature: " rules " µs of"
  print "processor time. The structure of a small PDF, read in a process of its own: " pdf " µs."
  print ""
  print "A document with faults against the same without, over the whole engine (processor time, median of pairs):"
  print ""
  print "| faults in | findings | times |"
  print "|---|---|---|"
  printf "%s", rows
}
