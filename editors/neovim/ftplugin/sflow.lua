-- Starts the language server for a buffer. vim.g.sipflow_command names another command than `sipflow lsp`.
vim.bo.commentstring = "# %s"
vim.bo.expandtab = true
vim.bo.shiftwidth = 2

local command = vim.g.sipflow_command or { "sipflow", "lsp" }
local folder = vim.fn.expand("%:p:h")

if vim.lsp.start then -- 0.8 and later
  vim.lsp.start({ name = "sipflow", cmd = command, root_dir = folder })
else -- 0.7: one client for all buffers
  vim.g.sipflow_client = vim.g.sipflow_client
    or vim.lsp.start_client({ name = "sipflow", cmd = command, root_dir = folder })
  vim.lsp.buf_attach_client(0, vim.g.sipflow_client)
end
