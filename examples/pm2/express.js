// A health endpoint for Express: 200 when the app can do its work, 503 when not, and an answer in any case. It asks what the
// app needs (here: a stand-in for a database), with a time limit shorter than that of the probe.
const express = require('express');

const app = express();
const database = { ping: async () => {} };

async function within(milliseconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

app.get('/health', async (_request, response) => {
  response.set('Cache-Control', 'no-store');
  try {
    await within(2000, database.ping());
    response.json({ status: 'ok', uptime_seconds: Math.round(process.uptime()) });
  } catch (error) {
    console.error('health:', error); // the answer itself tells strangers nothing
    response.status(503).json({ status: 'error' });
  }
});

const server = app.listen(Number(process.env.PORT || 8080), '127.0.0.1');

// PM2 stops and reloads by SIGINT: no new connections, the old ones to their end.
process.on('SIGINT', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});

module.exports = { app, server, database };
