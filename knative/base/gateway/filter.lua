local words = {  -- the same texts as in local_reply_config of envoy.yaml
  ["403"] = "Forbidden", ["404"] = "Not Found", ["408"] = "Request Timeout",
  ["413"] = "Payload Too Large", ["429"] = "Too Many Requests",
  ["431"] = "Request Header Fields Too Large", ["503"] = "Service Unavailable",
  ["504"] = "Gateway Timeout",
}

local usual_timeout = 15  -- seconds, Envoy's default for a route; the metadata of a route with another one has it

-- Knative does not count probes and may answer them itself, so clients must not pass for one.
function envoy_on_request(asked)
  local headers = asked:headers()
  local known = asked:streamInfo():dynamicMetadata()
  known:set("asked", "method", headers:get(":method"))
  known:set("asked", "page", headers:get(":path"):find("^/api[/?]") == nil and "yes" or "no")
  if (headers:get("user-agent") or ""):find("^kube%-probe/") then
    headers:remove("user-agent")
  end
  -- The body is here (the buffer filter is before this one), so the route's timeout begins now. A function begins nothing
  -- after it.
  local timeout = asked:metadata():get("response_seconds") or usual_timeout
  headers:replace("x-request-deadline", string.format("%.3f", asked:timestamp() / 1000 + timeout))
end

-- Proxies between gateway and function answer errors as text or HTML that shows internals: replace them by JSON.
-- (Envoy's custom_response filter would skip the filters before this one, and so their headers.)
function envoy_on_response(answer)
  local headers = answer:headers()
  local status, kind = headers:get(":status"), headers:get("content-type") or ""
  if status < "400" or kind:find("^application/json") or kind:find("^application/cloudevents%+json") then
    return
  end
  local asked = answer:streamInfo():dynamicMetadata():get("asked")
  local is_page = asked and asked.page == "yes"
  if is_page and kind:find("^text/html") and headers:get("etag") then  -- the storefront's own page for what is missing
    return
  end
  local message = words[status] or (status < "500" and "Bad Request" or "Something went wrong")
  headers:replace("content-type", is_page and "text/plain" or "application/json")
  headers:remove("content-encoding")
  if asked and asked.method == "HEAD" then  -- a response to HEAD has no body (RFC 9110, section 9.3.2)
    headers:remove("content-length")
    return
  end
  answer:body(true):setBytes(is_page and message .. "\n" or '{"errors":[{"message":"' .. message .. '"}]}')
end
