// Writes a scenario whose names try to be more than names.
import { writeFileSync } from "node:fs";

const names = [
  "<script>alert('name')</script>",
  "<img src=x onerror=alert(1)>",
  '"quoted" & \'so\' ]]> --> </script> </style> </title>',
  "\u202eturned\u202c",
  "nul\u0000 bell\u0007 escape\u001b[31m",
  "=HYPERLINK(\"http://example.invalid\")",
  "javascript:alert(2)",
  "猫和狗",
  "x".repeat(10_000),
  "{name} {estimate} {{n}}",
];
const toml = (text) => JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
writeFileSync(
  process.argv[2],
  `name = "hostile"
title = ${toml("<script>alert('title')</script> \"title\" </title><svg onload=alert(3)>")}
replicates = 2
# </code></pre><script>alert('comment')</script>
[concepts]
names = [${names.map(toml).join(", ")}]
[[tiers]]
name = ${toml("a <script>alert('tier')</script>")}
d_model = 8
embedding.fully_distributed = {}
[[tiers]]
name = ${toml("b\" onmouseover=\"alert(4)")}
d_model = 12
embedding.fully_distributed = {}
[measure.overlap]
[sweep]
"tiers.*.d_model" = [4, 8, 16, 32]
[[analysis]]
power_law = { x = "d_model", y = "mean_square_cosine", by = ["tier"] }
[[figure]]
name = "wished"
title = ${toml("<script>alert('figure')</script>")}
x = "d_model"
y = ["coherence"]
by = ["tier"]
marks = [{ at = 10, label = ${toml("<img src=x onerror=alert(5)>")} }]
`,
);
