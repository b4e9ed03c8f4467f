// pm2 start ecosystem.config.js: an app that PM2 restarts when it ends, and the exporter when it does not answer.
module.exports = {
  apps: [
    {
      name: 'shop', // the same as in healthcheck.yml
      script: 'express.js',
      env: { PORT: '8080' },
      // To end in order takes time: PM2 sends SIGINT, waits, and kills.
      kill_timeout: 10000,
      // Below this an end counts as a crash at start. The exporter leaves an app alone that PM2 is restarting in a loop.
      min_uptime: '10s',
      max_restarts: 10,
      max_memory_restart: '500M',
    },
  ],
};
