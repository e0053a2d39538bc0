import {text} from 'node:stream/consumers'
import {unified} from 'unified'
import remarkGfm from 'remark-gfm'
import remarkMath from 'remark-math'
import remarkParse from 'remark-parse'
import {visit} from 'unist-util-visit'

const parser = unified().use(remarkParse).use(remarkMath).use(remarkGfm)

// JavaScript counts UTF-16 units; Python counts code points.
function codePoints(markdown) {
  if (!/[\ud800-\udfff]/.test(markdown)) return (offset) => offset
  const places = []
  let count = 0
  for (const char of markdown) {
    for (let unit = 0; unit < char.length; unit++) places.push(count)
    count++
  }
  places.push(count)
  return (offset) => places[offset]
}

function nodes(markdown) {
  const found = []
  const place = codePoints(markdown)
  visit(parser.parse(markdown), ({type, value, position}) => {
    if (position) found.push([type, place(position.start.offset), place(position.end.offset), value ?? null])
  })
  return found
}

for (const line of (await text(process.stdin)).split('\n')) {
  if (line.trim()) console.log(JSON.stringify(nodes(JSON.parse(line))))
}
