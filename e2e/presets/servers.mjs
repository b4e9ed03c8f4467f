// The servers that the presets of docs/websocket.md are for, as their users run them. Prints a line of JSON with the URL of each.
import { createServer } from 'node:http'

import Aedes from 'aedes'
import { HandshakeProtocol } from '@microsoft/signalr/dist/cjs/HandshakeProtocol.js'
import { TextMessageFormat } from '@microsoft/signalr/dist/cjs/TextMessageFormat.js'
import { buildSchema, execute, subscribe } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { Server as SocketIO } from 'socket.io'
import StompServer from 'stomp-broker-js'
import SocketIO2 from 'socket.io-2'
import { SubscriptionServer } from 'subscriptions-transport-ws'
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

async function socketIO2() {
  const http = createServer()
  SocketIO2(http)
  return (await listen(http)) + '/socket.io/?EIO=3&transport=websocket'
}

async function graphqlSubscriptions() {
  const http = createServer()
  const schema = buildSchema('type Query { hello: String } type Subscription { ticks: Int }')
  SubscriptionServer.create({ schema, execute, subscribe }, { server: http, path: '/graphql' })
  return (await listen(http)) + '/graphql'
}

// npm has no server of SignalR: this one answers the handshake, if it is what the client would send, by what the client accepts.
async function signalR() {
  const http = createServer()
  const handshake = new HandshakeProtocol()
  const request = handshake.writeHandshakeRequest({ protocol: 'json', version: 1 })
  const answer = TextMessageFormat.write('{}')
  if (handshake.parseHandshakeResponse(answer)[1].error) throw new Error('the client refuses the answer')
  new WebSocketServer({ server: http, path: '/hub' }).on('connection', (socket) => {
    socket.once('message', (said) => (said.toString() === request ? socket.send(answer) : socket.close()))
  })
  return (await listen(http)) + '/hub'
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

const urls = {
  graphql_ws: await graphql(),
  graphql_subscriptions: await graphqlSubscriptions(),
  socket_io: await socketIO(),
  socket_io_2: await socketIO2(),
  signalr: await signalR(),
  stomp: await stomp(),
  mqtt: await mqtt(),
}
console.log(JSON.stringify(urls))
