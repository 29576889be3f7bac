/* A small WebSocket server: answers each text message with its checksum. Only the C library and poll. */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 256

struct peer {
  int file;
  int open;
  size_t held;
  unsigned char bytes[8192];
};

static uint32_t turned(uint32_t value, int by) { return value << by | value >> (32 - by); }

/* Of less than 119 bytes, as the key of a handshake is. */
static void sha1(const unsigned char *text, size_t length, unsigned char out[20]) {
  uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  unsigned char block[128] = {0};
  size_t blocks = length < 56 ? 1 : 2;
  memcpy(block, text, length);
  block[length] = 0x80;
  block[blocks * 64 - 2] = (unsigned char)(length * 8 >> 8);
  block[blocks * 64 - 1] = (unsigned char)(length * 8);
  for (size_t at = 0; at < blocks; at++) {
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 16; i++) {
      const unsigned char *p = block + at * 64 + i * 4;
      w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    }
    for (int i = 16; i < 80; i++) w[i] = turned(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
      uint32_t f = i < 20 ? ((b & c) | (~b & d)) + 0x5A827999
                 : i < 40 ? (b ^ c ^ d) + 0x6ED9EBA1
                 : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC
                          : (b ^ c ^ d) + 0xCA62C1D6;
      uint32_t next = turned(a, 5) + f + e + w[i];
      e = d, d = c, c = turned(b, 30), b = a, a = next;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
  }
  for (int i = 0; i < 20; i++) out[i] = (unsigned char)(h[i / 4] >> (24 - i % 4 * 8));
}

static void base64(const unsigned char *from, size_t length, char *to) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < length; i += 3) {
    uint32_t group = (uint32_t)from[i] << 16 | (i + 1 < length ? from[i + 1] : 0) << 8 | (i + 2 < length ? from[i + 2] : 0);
    *to++ = letters[group >> 18 & 63];
    *to++ = letters[group >> 12 & 63];
    *to++ = i + 1 < length ? letters[group >> 6 & 63] : '=';
    *to++ = i + 2 < length ? letters[group & 63] : '=';
  }
  *to = 0;
}

/* Deliberately dear, so that a profile of a few seconds sees it. */
static uint32_t checksum(const char *text, size_t length, int rounds) {
  volatile uint32_t sum = 1;
  for (int round = 0; round < rounds; round++)
    for (size_t index = 0; index < length; index++) sum = sum * 31 + (unsigned char)text[index];
  return sum;
}

static void write_message(int file, int opcode, const char *payload, size_t length) {
  unsigned char frame[4200] = {(unsigned char)(0x80 | opcode)};
  size_t head = length < 126 ? 2 : 4;
  frame[1] = length < 126 ? (unsigned char)length : 126;
  if (head == 4) frame[2] = (unsigned char)(length >> 8), frame[3] = (unsigned char)length;
  memcpy(frame + head, payload, length);
  if (write(file, frame, head + length) < 0) return;
}

static void answer(int file, const char *text, size_t length) {
  char reply[4096];
  uint32_t sum = checksum(text, length, 5000);
  int size = snprintf(reply, sizeof reply, "{\"type\":\"answer\",\"sum\":%u,\"length\":%zu}", sum, length);
  write_message(file, 1, reply, (size_t)size);
}

static int shake_hands(struct peer *peer) {
  char reply[512], key[128], *end = memmem(peer->bytes, peer->held, "\r\n\r\n", 4);
  if (end == NULL) return 0;
  *end = 0;
  char *found = strcasestr((char *)peer->bytes, "sec-websocket-key:");
  if (found == NULL) {
    if (strncmp((char *)peer->bytes, "GET /answer", 11) == 0) checksum(key, sizeof key, 5000);
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
    if (write(peer->file, ok, sizeof ok - 1) < 0) return -1;
    return -1;
  }
  unsigned char hash[20];
  sscanf(found + 18, " %60s", key);
  strcat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  sha1((unsigned char *)key, strlen(key), hash);
  base64(hash, 20, key);
  int size = snprintf(reply, sizeof reply, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", key);
  if (write(peer->file, reply, (size_t)size) < 0) return -1;
  size_t used = (size_t)(end + 4 - (char *)peer->bytes);
  memmove(peer->bytes, peer->bytes + used, peer->held - used);
  peer->held -= used;
  peer->open = 1;
  return 0;
}

static int take_message(struct peer *peer) {
  unsigned char *at = peer->bytes;
  if (peer->held < 6) return 0;
  size_t length = at[1] & 0x7f, head = 2;
  if (length == 126) length = (size_t)at[2] << 8 | at[3], head = 4;
  if (peer->held < head + 4 + length) return 0;
  unsigned char *mask = at + head, *payload = mask + 4;
  for (size_t i = 0; i < length; i++) payload[i] ^= mask[i % 4];
  int opcode = at[0] & 15;
  if (opcode == 1) answer(peer->file, (char *)payload, length);
  if (opcode == 9) write_message(peer->file, 10, (char *)payload, length);
  if (opcode == 8) write_message(peer->file, 8, (char *)payload, length);
  peer->held -= head + 4 + length;
  memmove(peer->bytes, payload + length, peer->held);
  return opcode == 8 ? -1 : 1;
}

int main(void) {
  static struct peer peers[MOST];
  struct pollfd waiting[MOST + 1];
  struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(getenv("PORT"))), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int count = 0, yes = 1, door = socket(AF_INET, SOCK_STREAM, 0);
  signal(SIGPIPE, SIG_IGN);
  setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(door, (struct sockaddr *)&place, sizeof place) < 0 || listen(door, 128) < 0) return 1;
  for (;;) {
    waiting[0] = (struct pollfd){.fd = door, .events = count < MOST ? POLLIN : 0};
    for (int i = 0; i < count; i++) waiting[i + 1] = (struct pollfd){.fd = peers[i].file, .events = POLLIN};
    int present = count;
    if (poll(waiting, (nfds_t)count + 1, -1) < 0) return 1;
    if (waiting[0].revents & POLLIN) peers[count++] = (struct peer){.file = accept(door, NULL, NULL)};
    for (int i = present - 1; i >= 0; i--) {
      if (waiting[i + 1].revents == 0) continue;
      struct peer *peer = &peers[i];
      ssize_t got = read(peer->file, peer->bytes + peer->held, sizeof peer->bytes - peer->held);
      int state = got <= 0 ? -1 : 0;
      if (got > 0) peer->held += (size_t)got;
      if (state == 0 && !peer->open) state = shake_hands(peer);
      while (state >= 0 && peer->open && (state = take_message(peer)) > 0) {}
      if (state < 0) {
        close(peer->file);
        *peer = peers[--count];
      }
    }
  }
}
