-- Driven by test_highlighting.py: the highlight group of each place that is asked for.
-- asked.json: list of { path, list of [line, column] from 1 }; told.json: the same with groups.
vim.cmd("syntax on")
local told = {}
for _, file in ipairs(vim.fn.json_decode(vim.fn.readfile(vim.env.SFLOW_ASKED))) do
  vim.cmd("edit " .. vim.fn.fnameescape(file[1]))
  vim.cmd("syntax sync fromstart")
  local groups = {}
  for _, place in ipairs(file[2]) do
    table.insert(groups, vim.fn.synIDattr(vim.fn.synID(place[1], place[2], 1), "name"))
  end
  table.insert(told, groups)
end
vim.fn.writefile({ vim.fn.json_encode(told) }, vim.env.SFLOW_TOLD)
vim.cmd("qall!")
