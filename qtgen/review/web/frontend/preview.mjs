// The preview frame. The page around it posts {type: "show", id, markdown, marks, dark}. The frame answers
// {type: "ready"} until the first text comes, then {type: "shown", id, height} for each text, and again if the height changes.
import './frame.css'
import {createElement, useLayoutEffect} from 'react'
import {createRoot} from 'react-dom/client'
import {renderMarkdown} from './markdown.mjs'

const container = document.getElementById('preview')
const root = createRoot(container)
const READY_MS = 200
let shown = null

function post(message) {
  // The frame has an origin of its own, so it cannot know that of the page around it. No message contains any text.
  window.parent.postMessage(message, '*')
}

function reportHeight() {
  if (shown !== null) post({type: 'shown', id: shown, height: Math.ceil(container.getBoundingClientRect().bottom)})
}

function Preview({id, markdown, marks}) {
  useLayoutEffect(() => {
    shown = id
    reportHeight()
  }, [id, markdown, marks])
  return renderMarkdown(markdown, marks)
}

window.addEventListener('message', ({source, data}) => {
  if (source !== window.parent || data?.type !== 'show' || typeof data.markdown !== 'string') return
  clearInterval(announcing)
  document.documentElement.className = data.dark ? 'dark' : 'light'
  root.render(createElement(Preview, {id: data.id, markdown: data.markdown, marks: data.marks ?? []}))
})

new ResizeObserver(reportHeight).observe(container)
post({type: 'ready'})
// The page around the frame may begin to listen later than the frame is ready.
const announcing = setInterval(() => post({type: 'ready'}), READY_MS)
