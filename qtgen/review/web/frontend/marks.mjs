// Wraps the marked parts of a text in <ins> and <del>. Marks are ranges of the markdown, in code points.
import {SKIP, visitParents} from 'unist-util-visit-parents'

const ENTITY = /^&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z][A-Za-z\d]{1,31});/
const FENCE = /^[ \t>]*(?:`{3,}|~{3,})[^\n]*\n/

/** Return a function from offsets in code points to offsets in UTF-16 units. */
function utf16Offsets(markdown) {
  if (!/[\ud800-\udbff][\udc00-\udfff]/.test(markdown)) return (offset) => offset
  const places = []
  let unit = 0
  for (const char of markdown) {
    places.push(unit)
    unit += char.length
  }
  return (offset) => (offset < places.length ? places[offset] : unit)
}

function sortedRanges(marks, markdown) {
  const offset = utf16Offsets(markdown)
  return marks
    .filter(({start, end, kind}) => start < end && (kind === 'ins' || kind === 'del'))
    .map(({start, end, kind}) => ({start: offset(start), end: offset(end), kind}))
    .sort((first, second) => first.start - second.start)
}

/** Return the index of the first range that ends after an offset. */
function firstAfter(ranges, offset) {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (ranges[middle].end > offset) high = middle
    else low = middle + 1
  }
  return low
}

function kindAt(ranges, start, end) {
  const range = ranges[firstAfter(ranges, start)]
  return range && range.start < end ? range.kind : null
}

/** Return the offset in the source of each unit of a text, which leaves out escapes, indents and marks. */
function placesOf(value, source, start, end) {
  const places = []
  let at = start
  for (const char of value) {
    while (at < end && source.codePointAt(at) !== char.codePointAt(0)) {
      if (source[at] === '&' && ENTITY.test(source.slice(at, at + 40))) break
      at++
    }
    const entity = source[at] === '&' ? ENTITY.exec(source.slice(at, at + 40)) : null
    for (let unit = 0; unit < char.length; unit++) places.push(Math.min(at, end))
    at += entity ? entity[0].length : char.length
  }
  return places
}

function element(kind, children) {
  return {type: 'element', tagName: kind, properties: {}, children}
}

/** Return the nodes that a text node becomes. */
function markedText(value, places, ranges) {
  const nodes = []
  let done = 0
  for (let index = 1; index <= value.length; index++) {
    const kind = kindAt(ranges, places[done], places[done] + 1)
    if (index < value.length && kindAt(ranges, places[index], places[index] + 1) === kind) continue
    const text = {type: 'text', value: value.slice(done, index)}
    nodes.push(kind && text.value.trim() ? element(kind, [text]) : text)
    done = index
  }
  return nodes
}

function hasClass(node, name) {
  return Array.isArray(node.properties?.className) && node.properties.className.includes(name)
}

function isMath(node) {
  return ['math-inline', 'math-display', 'language-math'].some((name) => hasClass(node, name))
}

/** Return start and end of the closest node that has a place. */
function rangeOf(nodes, source) {
  const node = nodes.findLast(({position}) => position?.start?.offset !== undefined)
  if (!node || node.type === 'root') return null
  const {start, end} = node.position
  const fence = node.tagName === 'code' || node.tagName === 'pre' ? FENCE.exec(source.slice(start.offset, end.offset)) : null
  return [start.offset + (fence ? fence[0].length : 0), end.offset]
}

export function rehypeMarks({marks}) {
  return (tree, file) => {
    const source = String(file)
    const ranges = sortedRanges(marks, source)
    if (!ranges.length) return
    visitParents(tree, (node, ancestors) => {
      const parent = ancestors.at(-1)
      const index = parent?.children.indexOf(node)
      const isWhole = node.tagName === 'img' || (node.tagName === 'code' && isMath(node) && parent.tagName !== 'pre')
      if (isWhole || (node.tagName === 'pre' && node.children.some(isMath))) {
        const {start, end} = (node.position ?? node.children?.[0]?.position ?? {})
        const kind = start && kindAt(ranges, start.offset, end.offset)
        if (kind) parent.children[index] = element(kind, [node])
        return SKIP
      }
      if (node.type !== 'text' && node.type !== 'raw') return undefined
      const range = rangeOf([...ancestors, node], source)
      if (!range || kindAt(ranges, ...range) === null) return undefined
      const nodes = markedText(node.value, placesOf(node.value, source, ...range), ranges)
      parent.children.splice(index, 1, ...nodes)
      return [SKIP, index + nodes.length]
    })
  }
}
