"""What every layer's outside needs: serving, Postgres, supervision, retries. It knows no layer."""
