"""Wire types of api.weixin.qq.com, in its own field names. Unknown fields are ignored."""
