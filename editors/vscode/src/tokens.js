// Semantic tokens as the protocol has them: five numbers each, places relative to the token before.

/** The tokens without those of some types. @param {Uint32Array} data @param {Set<number>} dropped */
export function withoutTypes(data, dropped) {
  const kept = [];
  let lines = 0;
  let columns = 0;
  for (let at = 0; at < data.length; at += 5) {
    const [line, column, length, type, modifiers] = data.subarray(at, at + 5);
    columns = line === 0 ? columns + column : column;
    lines += line;
    if (!dropped.has(type)) {
      kept.push(lines, columns, length, type, modifiers);
      lines = 0;
      columns = 0;
    }
  }
  return new Uint32Array(kept);
}
