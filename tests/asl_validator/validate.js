// Reads definitions, a JSON list, and writes for each what asl-validator has against it, "" for nothing.
const validate = require("asl-validator");

const definitions = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const found = definitions.map((definition) => {
  const result = validate(definition);
  return result.isValid ? "" : result.errorsText("\n");
});
process.stdout.write(JSON.stringify(found));
