-- A path of the API means the same with a slash at its end, as for the course's Express servers.
function envoy_on_request(asked)
  local headers = asked:headers()
  local path, query = headers:get(":path"):match("^(/api/[^?]*[^/?])/(.*)$")
  if path and (query == "" or query:sub(1, 1) == "?") then
    headers:replace(":path", path .. query)
    asked:clearRouteCache()
  end
end
