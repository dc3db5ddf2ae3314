/** The same conversation by python3 with the package `websockets` (10 or later). */

/** Reads the conversation from standard input, writes `told` when the room was entered, and what it was told at the end. */
export const pythonClient = `
import asyncio, json, sys
import websockets

asked = json.loads(sys.stdin.readline())
good = ["carillon.v1", "bearer." + asked["token"]]

def connect(protocols):
    return websockets.connect(asked["url"], subprotocols=protocols, max_size=None)

async def frames(socket):
    async for text in socket:
        for line in text.split("\\n"):
            frame = json.loads(line)
            if frame["t"] == "ping":
                await socket.send('{"t":"pong"}')
            else:
                yield frame

def code_of(socket):
    return socket.close_code

async def listen(start):
    messages, recovery, tenth = [], "", ""
    socket = await connect(good)
    async for frame in frames(socket):
        if frame["t"] == "ready":
            # Before anything else is under way: it reads no further than a few frames ahead of its user.
            await asyncio.wait_for(await socket.ping(), 10)
            subscribe = {"t": "subscribe", "id": 1, "room": asked["room"]}
            if start: subscribe["from"] = start
            await socket.send(json.dumps(subscribe))
        elif frame["t"] == "subscribed":
            recovery = frame["recovery"]
            print("told", flush=True)
        elif frame["t"] == "msg":
            data = frame["data"]
            messages.append([frame["mid"], data["number"], len(data["filling"])])
            if len(messages) == 10: tenth = frame["pos"]
            if data["number"] == asked["last"]:
                await socket.close(1000)
                break
    return messages, recovery, tenth, code_of(socket)

async def closed_for(protocols, text):
    socket = await connect(protocols)
    try:
        async for frame in frames(socket):
            if frame["t"] == "ready": await socket.send(text)
    except websockets.ConnectionClosed:
        pass
    await socket.wait_closed()
    return code_of(socket)

async def converse():
    live, _, tenth, code = await listen(None)
    resumed, recovery, _, _ = await listen(tenth)
    closes = [await closed_for(["chat.v1"], ""), await closed_for(good, '{"t":'), await closed_for(good, "x" * 40000), code]
    print(json.dumps({"live": live, "recovery": recovery, "resumed": resumed, "closes": closes}), flush=True)

asyncio.run(converse())
`;
