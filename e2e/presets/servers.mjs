// The servers that the presets of docs/websocket.md are for, as their users run them. Prints a line of JSON with the URL of each.
import { createServer } from 'node:http'

import Aedes from 'aedes'
import { buildSchema } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { Server as SocketIO } from 'socket.io'
import StompServer from 'stomp-broker-js'
import { createWebSocketStream, WebSocketServer } from 'ws'

async function listen(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `ws://127.0.0.1:${server.address().port}`
}

async function graphql() {
  const http = createServer()
  const schema = buildSchema('type Query { hello: String } type Subscription { ticks: Int }')
  useServer({ schema }, new WebSocketServer({ server: http, path: '/graphql' }))
  return (await listen(http)) + '/graphql'
}

async function socketIO() {
  const http = createServer()
  new SocketIO(http)
  return (await listen(http)) + '/socket.io/?EIO=4&transport=websocket'
}

async function stomp() {
  const http = createServer()
  new StompServer({ server: http, path: '/stomp' })
  return (await listen(http)) + '/stomp'
}

async function mqtt() {
  const http = createServer()
  const broker = new Aedes()
  const sockets = new WebSocketServer({ server: http, handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false) })
  sockets.on('connection', (socket, request) => broker.handle(createWebSocketStream(socket), request))
  return await listen(http)
}

const urls = { graphql_ws: await graphql(), socket_io: await socketIO(), stomp: await stomp(), mqtt: await mqtt() }
console.log(JSON.stringify(urls))
