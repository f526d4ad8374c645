// Loaded before a program (`node --require`): all names of *.twilio.com lead to TEST_TLS_ADDRESS, as DNS and a server on
// port 443 would have it. Names and certificates stay what they are.

const net = require("node:net");

const [host, port] = process.env.TEST_TLS_ADDRESS.split(":");
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...args) {
  // Inside of Node.js the arguments come as one list.
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (typeof options === "object" && Number(options.port) === 443 && /\.twilio\.com$/.test(options.host)) {
    Object.assign(options, { host, port: Number(port) });
  }
  return connect.apply(this, args);
};
