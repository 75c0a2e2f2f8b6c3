// Registers by WebSocket, sends a MESSAGE, unregisters, and prints what came of each. Exit code 0: all of it went well.
// Usage: node client.js ws://127.0.0.1:PORT USER PASSWORD
'use strict';

const WebSocket = require('ws');

// What a browser brings: `sip` is the subprotocol that JsSIP asks for.
global.WebSocket = WebSocket;
const JsSIP = require('jssip');

const [url, user, password] = process.argv.slice(2);
const client = new JsSIP.UA({
  sockets: [new JsSIP.WebSocketInterface(url)],
  uri: `sip:${user}@gate.test`,
  password,
  register_expires: 120,
  session_timers: false,
});

function finish(code, what) {
  console.log(what);
  process.exit(code);
}

client.on('registrationFailed', (event) => finish(2, `not registered: ${event.cause}`));
client.on('disconnected', (event) => finish(3, `disconnected: ${event.reason || ''}`));
client.on('registered', () => {
  console.log('registered');
  client.sendMessage('sip:gate@gate.test', 'hello from JsSIP', {
    eventHandlers: {
      succeeded: () => {
        console.log('message delivered');
        client.on('unregistered', () => finish(0, 'unregistered'));
        client.unregister();
      },
      failed: (event) => finish(4, `message failed: ${event.cause}`),
    },
  });
});
setTimeout(() => finish(5, 'nothing more came'), 15000).unref();
client.start();
