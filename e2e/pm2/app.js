// An app for PM2 that hangs when it is asked to, of which PM2 does not notice anything. It writes its address and
// environment to a file that has the number of the instance in its name.
const fs = require('fs')
const http = require('http')

const server = http.createServer((request, response) => {
  if (request.url === '/hang') for (;;);
  response.end(String(process.pid))
})
server.listen(Number(process.env.APP_PORT || 0), '127.0.0.1', () => {
  const file = `${process.env.APP_DIR}/${process.env.name}-${process.env.NODE_APP_INSTANCE}.json`
  fs.writeFileSync(file + '.new', JSON.stringify({ pid: process.pid, port: server.address().port, env: process.env }))
  fs.renameSync(file + '.new', file)
})
