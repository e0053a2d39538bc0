// Markdown as the site renders it (see tests/oracle/render.mjs), with marks, and without anything that loads or navigates.
import {createElement} from 'react'
import Markdown from 'react-markdown'
import rehypeKatex from 'rehype-katex'
import remarkGfm from 'remark-gfm'
import remarkMath from 'remark-math'
import {rehypeMarks} from './marks.mjs'
import {rehypeInert} from './inert.mjs'
import {rehypeVisible} from './visible.mjs'

const LENGTH_MAX = 200_000
const DEPTH_MAX = 150

function rehypeDepth() {
  return (tree) => {
    const open = [[tree, 0]]
    while (open.length) {
      const [node, depth] = open.pop()
      if (depth > DEPTH_MAX) throw new Error('nested too deeply')
      for (const child of node.children ?? []) open.push([child, depth + 1])
    }
  }
}

/** Return a React element. What cannot be rendered is shown as its source. */
export function renderMarkdown(markdown, marks) {
  if (markdown.length <= LENGTH_MAX) {
    try {
      return Markdown({
        children: markdown,
        remarkPlugins: [remarkMath, remarkGfm],
        rehypePlugins: [rehypeDepth, [rehypeMarks, {marks}], rehypeVisible, rehypeKatex, rehypeInert],
      })
    } catch {
      // The source follows.
    }
  }
  return createElement('pre', {className: 'source'}, markdown)
}
