'use strict';
/*
 * hessian.js, asked for one value at a time: a line of JSON for each line on stdin, until stdin ends.
 *
 *   read HEX      {"tree": …}   what it reads there
 *   write TREE    {"bytes": …}  what it writes of it, in hex
 *                 {"refused": …} in either case, in its own words
 *
 * A tree is null, a boolean, text, or one of
 *   {int} {long} {double} {date} {bytes}       numbers by their digits, doubles by their bits, bytes in hex
 *   {list, type} {map, type} {object, fields}  type is null for ArrayList and HashMap; maps and fields are pairs in their order
 *   {above}                                    the list, map or object so many levels above this one
 */
const readline = require('readline');
const { DecoderV2, EncoderV2 } = require('hessian.js');

/** Tells which of its readers a number came from: by itself it makes one kind of all. */
class Decoder extends DecoderV2 {}
for (const [method, kind] of [['readInt', 'int'], ['readLong', 'long'], ['readDouble', 'double']]) {
  Decoder.prototype[method] = function (withType) {
    const number = DecoderV2.prototype[method].call(this);
    return withType ? { $class: kind, $: number } : number;
  };
}

function bits(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(number);
  return bytes.toString('hex');
}

const PLAIN = { int: String, long: String, double: bits };

/** What was read, as a tree; `above` are the lists, maps and objects around it. */
function treeOf(value, above) {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (value instanceof Date) return { date: String(value.getTime()) };
  if (Buffer.isBuffer(value)) return { bytes: value.toString('hex') };
  const hasType = Object.prototype.hasOwnProperty.call(value, '$class');
  if (hasType && value.$class === 'boolean' && typeof value.$ === 'boolean') return value.$;
  if (hasType && PLAIN[value.$class] && typeof value.$ !== 'object') return { [value.$class]: PLAIN[value.$class](value.$) };
  const inside = hasType ? value.$ : value;
  const level = above.indexOf(inside);
  if (level >= 0) return { above: above.length - 1 - level };
  const within = above.concat([inside]);
  if (Array.isArray(inside)) return { list: inside.map(item => treeOf(item, within)), type: hasType ? value.$class : null };
  if (inside.$map) {
    const pairs = Array.from(inside.$map, ([key, item]) => [treeOf(key, within), treeOf(item, within)]);
    return { map: pairs, type: hasType && value.$class !== 'java.util.HashMap' ? value.$class : null };
  }
  if (inside instanceof Error) return { error: value.$class };
  return { object: value.$class, fields: Object.keys(inside).map(name => [name, treeOf(inside[name], within)]) };
}

/** What is to be written, as hessian.js wants it said; `types` takes the types of maps. */
function valueOf(tree, above, types) {
  if (tree === null || typeof tree !== 'object') return tree;
  if ('int' in tree) return { $class: 'int', $: Number(tree.int) };
  if ('long' in tree) return { $class: 'long', $: tree.long };
  if ('double' in tree) return { $class: 'double', $: Buffer.from(tree.double, 'hex').readDoubleBE() };
  if ('date' in tree) return new Date(Number(tree.date));
  if ('bytes' in tree) return Buffer.from(tree.bytes, 'hex');
  if ('above' in tree) return above[above.length - 1 - tree.above];
  if ('list' in tree) {
    const list = { $class: tree.type || 'java.util.ArrayList', $: [] };
    for (const item of tree.list) list.$.push(valueOf(item, above.concat([list]), types));
    return list;
  }
  if ('map' in tree) {
    if (tree.type) types[tree.type] = true;
    const map = { $class: tree.type || 'java.util.HashMap', $: new Map() };
    const within = above.concat([map]);
    for (const [key, item] of tree.map) map.$.set(valueOf(key, within, types), valueOf(item, within, types));
    return map;
  }
  const object = { $class: tree.object, $: {} };
  for (const [name, item] of tree.fields) object.$[name] = valueOf(item, above.concat([object]), types);
  return object;
}

function answer(line) {
  const [asked, rest] = [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)];
  if (asked === 'read') return { tree: treeOf(new Decoder(Buffer.from(rest, 'hex')).read(true), []) };
  const types = {};
  const value = valueOf(JSON.parse(rest), [], types);
  return { bytes: new EncoderV2({ mapTypes: types }).write(value).get().toString('hex') };
}

readline.createInterface({ input: process.stdin }).on('line', line => {
  let said;
  try {
    said = answer(line);
  } catch (error) {
    said = { refused: String(error.message) };
  }
  process.stdout.write(JSON.stringify(said) + '\n');
});
