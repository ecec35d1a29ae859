-- Kubernetes' streams for Wireshark and tshark: what stands in WebSocket messages of
-- channel.k8s.io, and in SPDY/3.1, also where that is carried in WebSocket messages.
--
--     tshark -X lua_script:mini_kube.lua -r session.pcapng -Y k8s.data \
--            -T fields -e ip.src -e k8s.stream -e k8s.data
--
-- Wireshark's own SPDY dissector does the frames and inflates the headers; this one puts
-- whole frames together for it and says which stream of a session a frame belongs to.
-- It works for packets that mini-kube exports and for captures with SSLKEYLOGFILE.
--
-- Sources: kubernetes/apimachinery pkg/util/remotecommand/constants.go (channels),
-- kubernetes/streaming pkg/httpstream/wsstream/conn.go (base64), kubernetes/cri-streaming
-- pkg/streaming/portforward (channels of ports), KEP-4006; SPDY draft 3, section 2.2.

local k8s = Proto("k8s", "Kubernetes streaming")

local CHANNELS = {
  [0] = "stdin", [1] = "stdout", [2] = "stderr", [3] = "error", [4] = "resize",
  [255] = "close",
}

local f = {
  subprotocol = ProtoField.string("k8s.subprotocol", "Subprotocol"),
  channel = ProtoField.uint8("k8s.channel", "Channel", base.DEC),
  stream = ProtoField.string("k8s.stream", "Stream"),
  stream_id = ProtoField.uint32("k8s.stream_id", "SPDY stream", base.DEC),
  port = ProtoField.uint16("k8s.port", "Port", base.DEC),
  request_id = ProtoField.string("k8s.request_id", "Request"),
  data = ProtoField.bytes("k8s.data", "Data"),
  text = ProtoField.string("k8s.text", "Text"),
  status = ProtoField.string("k8s.status", "Status"),
  exit_code = ProtoField.uint8("k8s.exit_code", "Exit code", base.DEC),
  width = ProtoField.uint16("k8s.resize.width", "Width", base.DEC),
  height = ProtoField.uint16("k8s.resize.height", "Height", base.DEC),
  closed = ProtoField.string("k8s.closed", "Closed stream"),
}
k8s.fields = f

local malformed = ProtoExpert.new("k8s.malformed", "Malformed Kubernetes stream",
                                  expert.group.MALFORMED, expert.severity.WARN)
k8s.experts = { malformed }

local tcp_stream = Field.new("tcp.stream")
local request_uri = Field.new("http.request.uri")
local header_names = Field.new("spdy.header.name")
local header_values = Field.new("spdy.header.value")

-- What is remembered of a TCP connection between its packets.
local connections = {}

local function reset() connections = {} end
k8s.init = reset

local function connection()
  local number = tcp_stream()
  local key = number and number.value or -1
  if not connections[key] then
    connections[key] = { streams = {}, pending = {}, messages = {}, ports = {}, uri = "" }
  end
  return connections[key]
end

local function direction(pinfo)
  return tostring(pinfo.src) .. ":" .. pinfo.src_port
end

-- How often this was asked while the present packet is dissected.
local function count(pinfo, name)
  local number = tonumber(pinfo.private[name] or "0") + 1
  pinfo.private[name] = tostring(number)
  return number
end

-- What a stream carries -------------------------------------------------------------

local function add_status(tree, range)
  local text = range:string()
  tree:add(f.status, range, text)
  local code = text:match('"reason"%s*:%s*"ExitCode"%s*,%s*"message"%s*:%s*"(%d+)"')
  if not code and text:match('"status"%s*:%s*"Success"') then code = "0" end
  if code and tonumber(code) < 256 then tree:add(f.exit_code, range, tonumber(code)) end
end

local function add_resize(tree, range)
  local text = range:string()
  local width = text:match('"[Ww]idth"%s*:%s*(%d+)')
  local height = text:match('"[Hh]eight"%s*:%s*(%d+)')
  if width and tonumber(width) < 65536 then tree:add(f.width, range, tonumber(width)) end
  if height and tonumber(height) < 65536 then tree:add(f.height, range, tonumber(height)) end
end

local function add_data(tree, name, range)
  tree:add(f.data, range)
  tree:add(f.text, range, range:string())
  if name == "error" then add_status(tree, range)
  elseif name == "resize" then add_resize(tree, range) end
end

local function note(pinfo, words)
  pinfo.cols.info:append(" [" .. words .. "]")
end

-- channel.k8s.io ----------------------------------------------------------------------

local function channel_of_port(conn, tree, pinfo, number, range)
  local data_channel = number - number % 2
  local known = conn.ports[data_channel]
  local name = number % 2 == 0 and "data" or "error"
  tree:add(f.stream, name)
  -- the first message of each channel from the server is its port, two bytes
  local seen = "seen " .. direction(pinfo) .. number
  local first = conn.messages[seen]
  local this = pinfo.number .. "/" .. count(pinfo, "k8s_port")
  if range and range:len() == 2 and (not first or first == this) then
    conn.messages[seen] = this
    conn.ports[data_channel] = range:le_uint()
    tree:add_le(f.port, range)
    note(pinfo, name .. " port " .. range:le_uint())
    return
  end
  if known then tree:add(f.port, known) end
  if range then
    tree:add(f.data, range)
    tree:add(f.text, range, range:string())
  end
  note(pinfo, name .. " " .. (range and range:len() or 0) .. " B")
end

local function channel_of_command(tree, pinfo, number, range)
  local name = CHANNELS[number] or ("channel " .. number)
  tree:add(f.stream, name)
  note(pinfo, name .. " " .. (range and range:len() or 0) .. " B")
  if not range then return end
  if number == 255 then
    local closed = range(0, 1):uint()
    tree:add(f.closed, range, CHANNELS[closed] or tostring(closed))
  else
    add_data(tree, name, range)
  end
end

local function dissect_channel(subprotocol, is_base64)
  return function(tvb, pinfo, tree)
    local conn = connection()
    local branch = tree:add(k8s, tvb())
    branch:add(f.subprotocol, subprotocol):set_generated()
    if tvb:len() == 0 then return 0 end
    local number, rest = tvb(0, 1):uint(), tvb
    if is_base64 then
      number = number - 48 -- one digit, then base64
      if tvb:len() > 1 then
        local plain = tvb:bytes(1, tvb:len() - 1):base64_decode()
        if plain:len() > 0 then rest = plain:tvb("base64") else rest = nil end
      else
        rest = nil
      end
    end
    if number < 0 then
      branch:add_proto_expert_info(malformed, "no channel number")
      return tvb:len()
    end
    branch:add(f.channel, tvb(0, 1), number)
    local range
    if is_base64 then range = rest and rest() or nil
    elseif tvb:len() > 1 then range = tvb(1) end
    if conn.uri:lower():find("portforward", 1, true) then
      channel_of_port(conn, branch, pinfo, number, range)
    else
      channel_of_command(branch, pinfo, number, range)
    end
    return tvb:len()
  end
end

-- SPDY/3.1 ----------------------------------------------------------------------------

local SYN_STREAM = 1

local function frame_size(tvb, pinfo, offset)
  return 8 + tvb(offset + 5, 3):uint()
end

-- The headers that the SPDY dissector has added to this packet since `before`.
local function headers_since(before)
  local names, values, found = { header_names() }, { header_values() }, {}
  for index = before + 1, #names do
    found[names[index].display] = values[index] and values[index].display or ""
  end
  return found
end

local function dissect_frame(tvb, pinfo, tree)
  local conn = connection()
  local is_control = tvb(0, 1):uint() >= 128
  local before = #{ header_names() }
  Dissector.get("spdy"):call(tvb, pinfo, tree)
  if is_control and (tvb(2, 2):uint() ~= SYN_STREAM or tvb:len() < 12) then return tvb:len() end
  local id = tvb(is_control and 8 or 0, 4):uint() % 2147483648
  if is_control then conn.streams[id] = headers_since(before) end
  local headers = conn.streams[id] or {}
  local name = headers.streamtype
  if not name then return tvb:len() end
  local branch = tree:add(k8s, tvb())
  branch:add(f.stream_id, id)
  branch:add(f.stream, name)
  if headers.port and tonumber(headers.port) then
    branch:add(f.port, tonumber(headers.port) % 65536)
  end
  if headers.requestid then branch:add(f.request_id, headers.requestid) end
  local size = tvb:len() - 8
  if is_control then
    note(pinfo, name .. " #" .. id)
  elseif size > 0 then
    note(pinfo, name .. " " .. size .. " B")
    add_data(branch, name, tvb(8))
  end
  return tvb:len()
end

local spdy = Proto("k8s_spdy", "SPDY/3.1 of Kubernetes")

function spdy.dissector(tvb, pinfo, tree)
  dissect_tcp_pdus(tvb, tree, 8, frame_size, dissect_frame)
  return tvb:len()
end

-- The messages of a direction together are its SPDY bytes; where they are cut means
-- nothing. Frames are found once, in the order of the packets, and kept.
local tunnel = Proto("k8s_tunnel", "SPDY/3.1 of Kubernetes in WebSocket")

local function whole_frames(conn, way, data)
  local pending, frames = (conn.pending[way] or "") .. data, {}
  while #pending >= 8 do
    local high, middle, low = pending:byte(6, 8)
    local size = 8 + high * 65536 + middle * 256 + low
    if #pending < size then break end
    frames[#frames + 1] = pending:sub(1, size)
    pending = pending:sub(size + 1)
  end
  conn.pending[way] = pending
  return frames
end

function tunnel.dissector(tvb, pinfo, tree)
  local conn, way = connection(), direction(pinfo)
  local key = pinfo.number .. "/" .. way .. "/" .. count(pinfo, "k8s_tunnel")
  local frames = conn.messages[key]
  if not frames then
    frames = whole_frames(conn, way, tvb:len() > 0 and tvb:raw() or "")
    conn.messages[key] = frames
  end
  for _, frame in ipairs(frames) do
    dissect_frame(ByteArray.new(frame, true):tvb("SPDY"), pinfo, tree)
  end
  return tvb:len()
end

-- Which request a connection belongs to -------------------------------------------------

local listener = Proto("k8s_request", "Requests that Kubernetes' streams begin with")

function listener.dissector(tvb, pinfo, tree)
  local uri = request_uri()
  if uri then connection().uri = tostring(uri.value) end
end
register_postdissector(listener)

-- Where all this is looked up -----------------------------------------------------------

local subprotocols = DissectorTable.get("ws.protocol")

local function add_subprotocol(name, is_base64)
  local proto = Proto("k8s_" .. name:gsub("[^%w]", "_"), name)
  proto.dissector = dissect_channel(name, is_base64)
  subprotocols:add(name, proto)
end

for _, version in ipairs({ "", "v2.", "v3.", "v4.", "v5." }) do
  add_subprotocol(version .. "channel.k8s.io", false)
end
add_subprotocol("base64.channel.k8s.io", true)
add_subprotocol("v4.base64.channel.k8s.io", true)
subprotocols:add("SPDY/3.1+portforward.k8s.io", tunnel)
DissectorTable.get("http.upgrade"):add("SPDY/3.1", spdy)
DissectorTable.get("tcp.port"):add(6121, spdy)
