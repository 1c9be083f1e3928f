#!/usr/bin/python3
"""A TCP connection to a distant place: what arrives goes on after some milliseconds, in each direction, at any rate.

    bench/delay.py LISTENING_PORT PORT MILLISECONDS     on loopback, until it is ended
"""
import asyncio
import signal
import sys

PIECE, PIECES = 64 << 10, 256  # what may be on its way in one direction


async def main(listening, port, seconds):
    async def connected(reader, writer):
        await asyncio.sleep(2 * seconds)  # what a distant place takes to accept a connection
        try:
            far_reader, far_writer = await asyncio.open_connection('127.0.0.1', port)
            await asyncio.gather(carry(reader, far_writer, seconds), carry(far_reader, writer, seconds))
        except OSError:
            pass
        finally:
            writer.close()
    server = await asyncio.start_server(connected, '127.0.0.1', listening, limit=PIECE)
    async with server:
        await server.serve_forever()


async def carry(reader, writer, seconds):
    """Until one end is gone, which the other one is told as late as all else."""
    clock = asyncio.get_running_loop().time
    under_way = asyncio.Queue(PIECES)

    async def deliver():
        while True:
            due, piece = await under_way.get()
            await asyncio.sleep(due - clock())
            if not piece:
                return
            writer.write(piece)
            await writer.drain()

    async def collect():
        piece = b'any'
        while piece:
            try:
                piece = await reader.read(PIECE)
            except OSError:
                piece = b''
            await under_way.put((clock() + seconds, piece))
    collecting = asyncio.ensure_future(collect())
    try:
        await deliver()
    except OSError:
        pass
    finally:
        collecting.cancel()
        writer.close()


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
