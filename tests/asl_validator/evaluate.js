// Reads a JSON list of {expression, values} and writes for each what the reference implementation of JSONata makes of
// it: {value}, or {} if that is undefined, or {error}. Without values it only reads the expression. What Step Functions adds to the language is added here.
const crypto = require("crypto");
const jsonata = require("jsonata");

const HASHES = { MD5: "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512" };

function partition(items, size) {
  const parts = [];
  for (let start = 0; start < items.length; start += size) parts.push(items.slice(start, start + size));
  return parts;
}

function range(first, last, step) {
  const numbers = [];
  for (let number = first; step > 0 ? number <= last : number >= last; number += step) numbers.push(number);
  return numbers;
}

function hash(data, algorithm) {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return crypto.createHash(HASHES[algorithm]).update(text).digest("hex");
}

async function evaluate({ expression, values }) {
  try {
    const compiled = jsonata(expression);
    compiled.registerFunction("partition", partition);
    compiled.registerFunction("range", range);
    compiled.registerFunction("hash", hash);
    compiled.registerFunction("parse", (text) => JSON.parse(text));
    if (values === null) return {};
    const value = await compiled.evaluate(undefined, values);
    return value === undefined ? {} : { value: JSON.parse(JSON.stringify(value)) };
  } catch (error) {
    return { error: String(error.message || error) };
  }
}

const asked = JSON.parse(require("fs").readFileSync(0, "utf-8"));
Promise.all(asked.map(evaluate)).then((found) => process.stdout.write(JSON.stringify(found)));
